/* How losses of a stream lie: scattered or in bursts. Counted packet by packet, judged elsewhere. */
#ifndef HAKO_QUALITY_H
#define HAKO_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "rtcp.h"

enum {
    QUALITY_GMIN = 16,  /* packets received in a row that end a burst (RFC 3611 section 4.7.2) */
    QUALITY_WINDOW = 32 /* packets until one that has not come counts as lost: late ones may still be on their way */
};

struct quality {
    /* for the burst ratio of ITU-T G.107: mean length of the runs of losses against that of random losses */
    uint64_t decided, lost, runs;
    /* transitions of RFC 3611 A.2 between gap and burst, received and lost */
    uint32_t c11, c13, c14, c22, c23, c33;
    uint32_t received; /* since the last loss */
    uint32_t losses;   /* since the burst began */
    uint32_t skip;     /* places of the window from before the stream */
    bool before;       /* the packet before was lost */
};

/* Another stream begins with a packet; the counts go on. */
void quality_begin(struct quality *quality);

/* The newest packet is now `ahead` further on; of the packets up to then bit n of `seen` says that highest - n came. */
void quality_advance(struct quality *quality, uint64_t seen, unsigned ahead);

/* Fills in rates, densities and durations; `milliseconds`: of a packet. */
void quality_metrics(const struct quality *quality, unsigned milliseconds, struct voip_metrics *metrics);

#endif
