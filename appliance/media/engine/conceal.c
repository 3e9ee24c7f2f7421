#include "conceal.h"

#include <math.h>
#include <string.h>

/* Milliseconds at full loudness, until silence, and of a join. */
enum { LOUD = 10, SILENT = 60, JOIN = 5 };

static float alikeness(const int16_t *a, const int16_t *b, int window, int stride)
{
    float both = 0, of_a = 1, of_b = 1;
    for (int i = 0; i < window; i += stride) {
        float x = a[i], y = b[i];
        both += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    return both / sqrtf(of_a * of_b);
}

int find_period(const int16_t *at, int sign, int rate, int window, float *alike)
{
    int stride = rate / 8000, best = 0;
    float most = -2;
    for (int lag = rate / 400; lag <= rate * 15 / 1000; lag += stride) {
        float value = alikeness(at, at + sign * lag, window, stride);
        if (value > most + 0.0001f) {
            most = value;
            best = lag;
        }
    }
    int around = best;
    for (int lag = around - stride + 1; stride > 1 && lag < around + stride; lag++) {
        float value = lag > rate * 15 / 1000 ? -2 : alikeness(at, at + sign * lag, window, 1);
        if (lag == around - stride + 1 || value > most) {
            most = value;
            best = lag;
        }
    }
    *alike = most;
    return best;
}

void fade(int16_t *out, const int16_t *from, const int16_t *to, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (int16_t)(from[i] + (to[i] - from[i]) * (i + 1) / (n + 1));
}

void conceal_begin(struct concealment *state, int rate, const int16_t *end, int have)
{
    int window = rate / 80, most = rate * 15 / 1000;
    float alike;
    state->on = true;
    state->rate = rate;
    state->made = 0;
    state->step = state->step_left = 0;
    state->period = state->length = state->place = 0;
    if (have < window + most) { /* too little was heard to know a voice from it */
        state->made = rate * SILENT / 1000;
        return;
    }
    int period = find_period(end - window, -1, rate, window, &alike);
    state->period = period;
    int kept = have < 3 * period ? have : 3 * period;
    memset(state->periods, 0, sizeof state->periods);
    memcpy(state->periods + 3 * period - kept, end - kept, (size_t)kept * sizeof *end);
    state->length = state->place = period; /* at its end: the first sample begins a repetition */
}

/* A repetition begins: more of them at a time the longer it lasts, or it would hum. */
static void repeat(struct concealment *state, float last)
{
    int periods = 1 + state->made * 100 / state->rate, whole = 3 * state->period;
    state->length = state->period * (periods > 3 ? 3 : periods);
    state->place = 0;
    int before = whole - state->length - 1;
    state->step = last - (float)state->periods[before < 0 ? 0 : before];
    state->step_left = state->step;
}

void conceal(struct concealment *state, int16_t *out, int n)
{
    int whole = 3 * state->period, loud = state->rate * LOUD / 1000, silent = state->rate * SILENT / 1000;
    float last = state->made ? 0 : whole ? state->periods[whole - 1] : 0;
    for (int i = 0; i < n; i++) {
        if (state->made >= silent) {
            out[i] = 0;
            continue;
        }
        if (state->place >= state->length)
            repeat(state, state->made ? state->periods[whole - 1] : last);
        float value = (float)state->periods[whole - state->length + state->place++] + state->step_left;
        state->step_left -= state->step / ((float)state->rate / 400);
        if ((state->step_left > 0) != (state->step > 0))
            state->step_left = state->step = 0;
        float gain = state->made < loud ? 1 : 1 - (float)(state->made - loud) / (float)(silent - loud);
        state->made++;
        value *= gain;
        out[i] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
    }
}

bool conceal_over(const struct concealment *state)
{
    return !state->on || state->made >= state->rate * SILENT / 1000;
}

void conceal_join(struct concealment *state, int16_t *samples, int n)
{
    int16_t onward[48 * JOIN];
    int part = state->rate * JOIN / 1000;
    part = part < n ? part : n;
    conceal(state, onward, part);
    fade(samples, onward, samples, part);
    state->on = false;
}
