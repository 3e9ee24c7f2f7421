#include "g722.h"

#include <string.h>

/* --- tables of the Recommendation --- */
static const int16_t Q6[31] = {0,    35,   72,   110,  150,  190,  233,  276,  323,  370,  422,  473,  530,  587,  650, 714,
                               786,  858,  940,  1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 0};
static const int16_t QM4[16] = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
static const int16_t QM2[4] = {-7408, -1616, 7408, 1616};
static const int16_t QM6[64] = {
    -136,   -136,   -136,   -136,   -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360,  -8576,  -7856,  -7192,  -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400,  -2032,  -1688,  -1360,  -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192,  10232,  9360,   8576,   7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,   2776,   2400,   2032,   1688,   1360,   1040,   728,    432,    136,    -432,   -136};
static const int16_t ILB[32] = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};
/* W of the Recommendation by the 4 upper bits of the lower band's code, and by the 2 bits of the higher band's. */
static const int16_t WL[16] = {-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60};
static const int16_t WH[4] = {798, -214, 798, -214};
static const int QMF[12] = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

static inline int saturate(int value)
{
    return value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
}

static inline int limit(int value, int most) { return value > most ? most : value < -most ? -most : value; }

void g722_reset(struct g722 *state)
{
    memset(state, 0, sizeof *state);
    state->low.scale = 32;
    state->high.scale = 8;
}

/* Blocks 3L and 3H: the scale follows the code just made. `most` bounds its logarithm. */
static inline void rescale(struct g722_band *band, int step, int most, int base)
{
    int log = ((band->scale_log * 127) >> 7) + step;
    log = log < 0 ? 0 : log > most ? most : log;
    int mantissa = ILB[(log >> 6) & 31], shift = base - (log >> 11);
    band->scale_log = log;
    band->scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
}

/* Block 4: the two poles and six zeros adapt by signs alone, then predict the next sample. */
static inline void predict(struct g722_band *band, int d)
{
    int r0 = saturate(band->predicted + d), p0 = saturate(band->zeros + d);
    int same1 = (p0 ^ band->p1) >= 0, same2 = (p0 ^ band->p2) >= 0;
    int a1 = saturate(band->a1 * 4);
    a1 = same1 ? -a1 : a1;
    int a2 = ((a1 > INT16_MAX ? INT16_MAX : a1) >> 7) + (same2 ? 128 : -128) + ((band->a2 * 32512) >> 15);
    band->a2 = limit(a2, 12288);
    a1 = saturate((same1 ? 192 : -192) + ((band->a1 * 32640) >> 15));
    band->a1 = limit(a1, saturate(15360 - band->a2));
    int step = d == 0 ? 0 : 128, zeros = 0, newer = d;
    for (int i = 0; i < 6; i++) {
        int older = band->d[i];
        int b = saturate(((d ^ older) >= 0 ? step : -step) + ((band->b[i] * 32640) >> 15));
        band->b[i] = b;
        band->d[i] = newer;
        zeros += (b * saturate(newer * 2)) >> 15;
        newer = older;
    }
    band->zeros = saturate(zeros);
    int poles = ((band->a1 * saturate(r0 * 2)) >> 15) + ((band->a2 * saturate(band->r1 * 2)) >> 15);
    band->r2 = band->r1;
    band->r1 = r0;
    band->p2 = band->p1;
    band->p1 = p0;
    band->predicted = saturate(saturate(poles) + band->zeros);
}

/* What coder and decoder do alike with the upper bits of a code. */
static inline void step_low(struct g722_band *band, int code)
{
    int d = (band->scale * QM4[code]) >> 15;
    rescale(band, WL[code], 18432, 8);
    predict(band, d);
}

static inline void step_high(struct g722_band *band, int code)
{
    int d = (band->scale * QM2[code]) >> 15;
    rescale(band, WH[code], 22528, 10);
    predict(band, d);
}

/* --- coder --- */
static inline int encode_low(struct g722_band *band, int sample)
{
    int error = saturate(sample - band->predicted), size = error >= 0 ? error : -(error + 1);
    int from = 1, to = 30; /* the first level that is above */
    while (from < to) {
        int middle = (from + to) / 2;
        if (size < (Q6[middle] * band->scale) >> 12)
            to = middle;
        else
            from = middle + 1;
    }
    int code = error < 0 ? (from < 3 ? 64 - from : 34 - from) : 62 - from;
    step_low(band, code >> 2);
    return code;
}

static inline int encode_high(struct g722_band *band, int sample)
{
    int error = saturate(sample - band->predicted), size = error >= 0 ? error : -(error + 1);
    int outer = size >= (564 * band->scale) >> 12;
    int code = error < 0 ? (outer ? 0 : 1) : (outer ? 2 : 3);
    step_high(band, code);
    return code;
}

void g722_encode(struct g722 *state, uint8_t *out, const int16_t *in, size_t n)
{
    int *x = state->history;
    for (size_t i = 0; i + 1 < n; i += 2) {
        memmove(x, x + 2, 22 * sizeof *x);
        x[22] = in[i];
        x[23] = in[i + 1];
        int odd = 0, even = 0;
        for (int k = 0; k < 12; k++) {
            odd += x[2 * k] * QMF[k];
            even += x[2 * k + 1] * QMF[11 - k];
        }
        int low = encode_low(&state->low, (even + odd) >> 14);
        *out++ = (uint8_t)(encode_high(&state->high, (even - odd) >> 14) << 6 | low);
    }
}

void g722_follow(struct g722 *state, const uint8_t *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        step_low(&state->low, (codes[i] & 0x3f) >> 2);
        step_high(&state->high, codes[i] >> 6);
    }
}

/* --- decoder --- */
static inline int decode_low(struct g722_band *band, int code)
{
    int sample = band->predicted + ((band->scale * QM6[code]) >> 15);
    step_low(band, code >> 2);
    return sample > 16383 ? 16383 : sample < -16384 ? -16384 : sample;
}

static inline int decode_high(struct g722_band *band, int code)
{
    int sample = band->predicted + ((band->scale * QM2[code]) >> 15);
    step_high(band, code);
    return sample > 16383 ? 16383 : sample < -16384 ? -16384 : sample;
}

void g722_decode(struct g722 *state, int16_t *out, const uint8_t *in, size_t n)
{
    int *x = state->history;
    for (size_t i = 0; i < n; i++) {
        int low = decode_low(&state->low, in[i] & 0x3f), high = decode_high(&state->high, in[i] >> 6);
        memmove(x, x + 2, 22 * sizeof *x);
        x[22] = low + high;
        x[23] = low - high;
        int first = 0, second = 0;
        for (int k = 0; k < 12; k++) {
            second += x[2 * k] * QMF[k];
            first += x[2 * k + 1] * QMF[11 - k];
        }
        *out++ = (int16_t)saturate(first >> 11);
        *out++ = (int16_t)saturate(second >> 11);
    }
}

void g722_decode_narrow(struct g722 *state, int16_t *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(decode_low(&state->low, in[i] & 0x3f) * 2);
}
