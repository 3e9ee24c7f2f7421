/* Lengths of time and sizes that all of the engine counts in. */
#ifndef HAKO_UNITS_H
#define HAKO_UNITS_H

#include <stdint.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_TICK INT64_C(20000000)
#define NS_PER_SAMPLE INT64_C(125000)

enum {
    TICK_SAMPLES = 160, /* at 8 kHz */
    TICKS = 50,         /* a second */
    GAIN_ONE = 4096,
    DATAGRAM = 2048,    /* larger ones are cut by the kernel and fail validation */
    RATES = 3,          /* 8, 16 and 48 kHz */
    LARGEST_FRAME = 960 /* samples of a tick at the highest of them */
};

#endif
