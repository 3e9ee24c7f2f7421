/* Where in a recording a packet belongs: by its RTP timestamp, anchored to the time it came at.
 *
 * The anchor follows the packets that travelled fastest, one sample a packet, so that hours of a phone's clock running
 * off (some hundred ppm) neither shift the two sides nor make a click. */
#ifndef HAKO_ALIGN_H
#define HAKO_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

struct align {
    bool started;
    uint32_t stream;   /* which stream of the port the anchor belongs to */
    uint32_t timestamp;
    int64_t position;  /* of `timestamp`, in samples of the recording */
    int64_t next;      /* position after the newest packet */
    int32_t least;     /* smallest delay against the anchor in this window, samples */
    int32_t target;    /* correction still to be spread over packets */
    int window;
    int age;           /* packets since the anchor was set */
};

/* `arrival` is the recording's position at the moment the packet came. Gives the position of the packet's first sample,
 * and in `skip` how many samples at its start lie over what the packet before it left (-1: one is missing between). */
int64_t align_place(struct align *align, uint32_t stream, uint32_t timestamp, int64_t arrival, int n, int *skip);

#endif
