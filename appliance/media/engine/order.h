/* Packets that wait for one that they overtook, until it comes or is given up (tap.c). */
#ifndef HAKO_ORDER_H
#define HAKO_ORDER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ORDER_SLOTS = 8,
    ORDER_LARGEST = 1280 /* bytes; a larger packet waits for nobody */
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
};

#endif
