#include "resample.h"

#include <math.h>
#include <string.h>

enum { UNITY = 1 << 14 };

#define PI 3.14159265358979323846

/* One low-pass a factor; by phase for raising the rate, whole for lowering it. Newest sample last. */
struct filter {
    int16_t phases[6][RESAMPLE_TAPS];
    int16_t whole[RESAMPLE_MOST];
};

static struct filter filters[7];

static double bessel(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static void design(int factor)
{
    int taps = factor * RESAMPLE_TAPS;
    double shape[RESAMPLE_MOST], beta = 6.2, middle = (taps - 1) / 2.0, cut = 0.935 / factor, whole = 0;
    for (int i = 0; i < taps; i++) {
        double t = i - middle, at = t / middle, x = PI * cut * t;
        shape[i] = (fabs(x) < 1e-9 ? 1 : sin(x) / x) * bessel(beta * sqrt(1 - at * at)) / bessel(beta);
        whole += shape[i];
    }
    struct filter *filter = &filters[factor];
    for (int phase = 0; phase < factor; phase++) {
        double sum = 0;
        for (int i = phase; i < taps; i += factor)
            sum += shape[i];
        for (int i = 0; i < RESAMPLE_TAPS; i++)
            filter->phases[phase][RESAMPLE_TAPS - 1 - i] = (int16_t)lrint(shape[phase + i * factor] / sum * UNITY);
    }
    for (int i = 0; i < taps; i++)
        filter->whole[taps - 1 - i] = (int16_t)lrint(shape[i] / whole * UNITY);
}

void resample_init(void)
{
    design(2);
    design(3);
    design(6);
}

static inline int16_t rounded(int32_t sum)
{
    sum = (sum + UNITY / 2) >> 14;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

static void raise_rate(const struct filter *filter, int factor, int16_t *out, const int16_t *work, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int phase = 0; phase < factor; phase++) {
            const int16_t *taps = filter->phases[phase];
            int32_t sum = 0;
            for (int k = 0; k < RESAMPLE_TAPS; k++)
                sum += taps[k] * work[i + (size_t)k];
            *out++ = rounded(sum);
        }
}

static void lower_rate(const struct filter *filter, int factor, int16_t *out, const int16_t *work, size_t n)
{
    int taps = factor * RESAMPLE_TAPS;
    for (size_t i = 0; i + (size_t)factor <= n; i += (size_t)factor) {
        int32_t sum = 0;
        for (int k = 0; k < taps; k += 16)
            for (int j = 0; j < 16; j++)
                sum += filter->whole[k + j] * work[i + (size_t)(k + j)];
        *out++ = rounded(sum);
    }
}

size_t resample(struct resampler *state, int16_t *out, int to, const int16_t *in, size_t n, int from)
{
    int16_t work[RESAMPLE_MOST + RESAMPLE_FRAME];
    bool up = to > from;
    int factor = up ? to / from : from / to;
    size_t kept = (size_t)(up ? RESAMPLE_TAPS : factor * RESAMPLE_TAPS) - 1;
    if (n > RESAMPLE_FRAME)
        n = RESAMPLE_FRAME;
    memcpy(work, state->history, kept * sizeof *work);
    memcpy(work + kept, in, n * sizeof *work);
    if (up)
        raise_rate(&filters[factor], factor, out, work, n);
    else
        lower_rate(&filters[factor], factor, out, work, n);
    memcpy(state->history, work + n, kept * sizeof *work);
    return up ? n * (size_t)factor : n / (size_t)factor;
}
