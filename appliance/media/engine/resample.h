/* Sampling rates to and from each other by 2, 3 or 6: polyphase filters of 48 taps a phase at the lower rate.
 *
 * Pass band to 0.42 of the lower rate (3.4 kHz of 8 kHz), stop band from 0.515 of it, 65 dB down. Delay: 3 ms at 8 kHz. */
#ifndef HAKO_RESAMPLE_H
#define HAKO_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESAMPLE_TAPS = 48, RESAMPLE_MOST = 6 * RESAMPLE_TAPS, RESAMPLE_FRAME = 960 };

/* What a stream leaves for its next frame. All zero is silence. */
struct resampler {
    int16_t history[RESAMPLE_MOST];
};

/* Fills the tables; called once before any thread uses them. */
void resample_init(void);

/* Turns `n` samples at rate `from` into n * to / from at rate `to`, both of 8000, 16000, 48000 and different.
 * At most RESAMPLE_FRAME samples go in or come out. Gives how many came out. */
size_t resample(struct resampler *state, int16_t *out, int to, const int16_t *in, size_t n, int from);

#endif
