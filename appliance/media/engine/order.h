/* Packets that wait for one that they overtook, until it comes or is given up and made up (tap.c). */
#ifndef HAKO_ORDER_H
#define HAKO_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "conceal.h"

enum {
    ORDER_SLOTS = 8,
    ORDER_LARGEST = 1280, /* bytes; a larger packet waits for nobody */
    ORDER_HEARD = 768     /* samples: 48 ms at 16 kHz, what concealment goes on from */
};

struct order_slot {
    bool used;
    uint8_t codec, units;
    uint16_t sequence, size; /* size 0: no audio, but its place is taken */
    uint32_t stream;         /* which timeline of the port it belongs to */
    uint32_t timestamp;      /* at 8 kHz */
    int64_t came;            /* ns */
};

struct order {
    uint32_t stream; /* 0: nothing was heard yet */
    uint16_t next;   /* sequence number whose turn it is */
    int waiting;
    struct order_slot slots[ORDER_SLOTS];
    /* What was decoded last, and where it ended: a hole after it is filled. */
    int rate;     /* 0: nothing yet */
    uint16_t last;
    uint32_t end; /* timestamp at 8 kHz */
    int heard;    /* samples kept of it */
};

/* Memory for those that wait and for filling holes; clear only as far as `struct order` says. */
struct order_memory {
    int16_t heard[ORDER_HEARD];
    struct concealment hole; /* holds while order.rate is not 0 */
    uint8_t waiting[ORDER_SLOTS][ORDER_LARGEST];
};

#endif
