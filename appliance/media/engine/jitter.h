/* Playout buffer of one received stream, for those who hear it mixed. (Packets that are forwarded never wait here.)
 *
 * Samples lie in a ring at the place their RTP timestamp gives; each tick takes the next ones. The delay starts at
 * two packets, grows when packets come too late and shrinks when they keep coming early. */
#ifndef HAKO_JITTER_H
#define HAKO_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JITTER_RING = 4096, JITTER_LEAST = 320, JITTER_MOST = 1600 };

struct jitter {
    bool running;
    uint32_t next;     /* timestamp of the sample that the next tick takes */
    uint32_t end;      /* timestamp after the newest sample */
    int32_t delay;     /* samples between the newest sample and the playout point that we aim at */
    int32_t least;     /* smallest reserve seen in this window */
    int window;        /* ticks of this window */
    uint32_t late;     /* packets that came after their time */
    int16_t ring[JITTER_RING];
};

void jitter_reset(struct jitter *jitter);

/* Decoded samples of one packet. A jump of the timestamps starts the buffer anew. */
void jitter_put(struct jitter *jitter, uint32_t timestamp, const int16_t *samples, size_t n);

/* The next `n` samples; what did not come is silence. False: nothing was there at all. */
bool jitter_get(struct jitter *jitter, int16_t *out, size_t n);

#endif
