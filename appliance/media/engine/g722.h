/* ITU-T G.722 at 64 kbit/s: sub-band ADPCM of 16 kHz speech. One byte holds two samples.
 *
 * Written after the block diagrams of the Recommendation: Debian 12 has no G.722 library but spandsp's, which is no
 * faster, wraps around where the Recommendation limits, and would be linked for this alone. */
#ifndef HAKO_G722_H
#define HAKO_G722_H

#include <stddef.h>
#include <stdint.h>

/* One sub-band's quantiser scale and predictor (blocks 3 and 4). */
struct g722_band {
    int scale_log, scale; /* NB, DET */
    int predicted, zeros; /* S, SZ */
    int a1, a2, b[6];
    int d[6], r1, p1, p2, r2;
};

struct g722 {
    struct g722_band low, high;
    int history[24]; /* of the quadrature mirror filter */
};

/* The same start for a coder and a decoder. */
void g722_reset(struct g722 *state);

/* What a coder would know had it made these codes: the decoder that got them and it are then of one mind. */
void g722_follow(struct g722 *state, const uint8_t *codes, size_t n);

/* `out` gets one byte for two samples of `in`; `n` is even. */
void g722_encode(struct g722 *state, uint8_t *out, const int16_t *in, size_t n);

/* `out` gets 2 * n samples at 16 kHz. */
void g722_decode(struct g722 *state, int16_t *out, const uint8_t *in, size_t n);

/* `out` gets n samples at 8 kHz: the lower band alone, for half of the price. */
void g722_decode_narrow(struct g722 *state, int16_t *out, const uint8_t *in, size_t n);

#endif
