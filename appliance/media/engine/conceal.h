/* What to play where samples are missing, and how to take away or add a little without a click: by whole periods of the
 * voice. Rates 8000, 16000, 48000. */
#ifndef HAKO_CONCEAL_H
#define HAKO_CONCEAL_H

#include <stdbool.h>
#include <stdint.h>

enum { PERIOD_MOST = 720 /* 15 ms at 48 kHz */ };

/* Repeats the last periods, softer and softer, until 60 ms have passed. */
struct concealment {
    bool on;
    int rate, period, length, place, made;
    float step, step_left; /* corrects the jump where a repetition begins */
    int16_t periods[3 * PERIOD_MOST];
};

/* Begins from the `have` samples that end before `end`. */
void conceal_begin(struct concealment *state, int rate, const int16_t *end, int have);

/* The next `n` samples. */
void conceal(struct concealment *state, int16_t *out, int n);

/* True when it has become silent. */
bool conceal_over(const struct concealment *state);

/* Fades from what concealment would go on with into the samples that came after all; ends it. */
void conceal_join(struct concealment *state, int16_t *samples, int n);

/* Length of the period that is most alike in `window` samples from `at` and from `at` + lag (`sign` 1) or - lag (-1):
 * 2.5 to 15 ms. `alike` gets their correlation, -1..1. */
int find_period(const int16_t *at, int sign, int rate, int window, float *alike);

/* Fades from `from` to `to` over n samples. */
void fade(int16_t *out, const int16_t *from, const int16_t *to, int n);

#endif
