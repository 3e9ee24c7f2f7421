/* Single tones of any frequency. A sine obeys x[n] + x[n-2] = 2 cos(w) x[n-1]; the best cos(w) by least squares gives the
 * frequency, what remains the noise beside it (Prony's method for one sinusoid). Runs of blocks that sound alike are
 * then named: fax callers (ITU-T T.30 4.1: 1100 Hz +-38 Hz, 0.5 s +-15 % each 3 s) and answering machines of fax and
 * modem (2100 Hz +-15 Hz, T.30 4.2; ANSam of V.8 with its phase reversals), beeps of voice mail. */
#include <math.h>
#include <string.h>

#include "detect.h"
#include "engine.h"

#define LEAST_POWER 34000.0F /* mean square: -45 dBov */
#define MOST_NOISE 0.08F     /* beside the tone, of the whole: 11 dB below it */

enum {
    CNG_LEAST = 380 / 20, /* blocks: 425 ms without what lies across the edges */
    CNG_MOST = 660 / 20,
    CED_LEAST = 500 / 20,
    BEEP_LEAST = 240 / 20,
    BEEP_MOST = 2000 / 20,
    MISSES = 1 /* blocks that a phase reversal, or a lost packet, may spoil */
};

/* Frequency of the block and its mean power; 0: no single tone. */
static float single_tone(const int16_t *x, float *power, float *beside)
{
    float ux = 0, xx = 0, uu = 0;
    for (int i = 2; i < TONE_BLOCK; i++) {
        float u = (float)(x[i] + x[i - 2]), y = (float)x[i - 1];
        ux += u * y;
        xx += y * y;
        uu += u * u;
    }
    *power = xx / (TONE_BLOCK - 2);
    if (*power < LEAST_POWER)
        return 0;
    float c = ux / (2 * xx), rest = uu - ux * ux / xx;
    float noise = rest / (2 + 4 * c * c);
    *beside = noise / xx;
    if (*beside > MOST_NOISE)
        return 0;
    c = ux / (2 * (xx - noise)); /* noise adds to the sum of squares, and to nothing else */
    return c < 1 && c > -1 ? acosf(c) * 8000 / (2 * 3.14159265F) : 0;
}

static int kind_of(const struct tones *run)
{
    float hertz = run->hertz;
    if (fabsf(hertz - 1100) <= 42 && run->blocks >= CNG_LEAST && run->blocks <= CNG_MOST)
        return HK_CNG;
    bool beep = hertz >= 425 && hertz <= 2600 && run->blocks >= BEEP_LEAST && run->blocks <= BEEP_MOST;
    /* A vowel that is sung comes near to a tone, but not so near. */
    bool steady = run->spread <= 4 + 0.004F * hertz && run->loudest < 1.6F * run->weakest && run->noisiest < 0.02F;
    return beep && steady ? HK_BEEP : 0;
}

static struct found_tone found(const struct tones *run, int kind)
{
    return (struct found_tone){.kind = kind, .hertz = run->hertz, .milliseconds = run->blocks * 20};
}

/* The run is over: what was it? */
static struct found_tone finish(struct tones *run)
{
    struct found_tone tone = found(run, run->blocks && !run->told ? kind_of(run) : 0);
    memset(run, 0, sizeof *run);
    return tone;
}

static bool alike(const struct tones *run, float hertz)
{
    float apart = fabsf(hertz - run->hertz);
    return run->blocks && hertz > 0 && apart < 25;
}

/* The blocks at both edges of a tone hold it in part: the first is not looked at, the last waits for one more. */
static void extend(struct tones *run, float hertz, float power, float beside)
{
    run->blocks += 1 + run->misses;
    run->misses = 0;
    run->hertz += (hertz - run->hertz) / (float)run->blocks;
    if (run->last_power > 0) {
        float apart = fabsf(run->last_hertz - run->hertz);
        run->spread = apart > run->spread ? apart : run->spread;
        run->weakest = run->weakest == 0 || run->last_power < run->weakest ? run->last_power : run->weakest;
        run->loudest = run->last_power > run->loudest ? run->last_power : run->loudest;
        run->noisiest = run->last_beside > run->noisiest ? run->last_beside : run->noisiest;
    }
    run->last_hertz = hertz;
    run->last_power = power;
    run->last_beside = beside;
}

struct found_tone tones_block(struct tones *run, const int16_t *samples)
{
    struct found_tone nothing = {0};
    float power, beside, hertz = single_tone(samples, &power, &beside);
    if (alike(run, hertz)) {
        extend(run, hertz, power, beside);
        if (run->told || run->blocks < CED_LEAST || fabsf(run->hertz - 2100) > 22)
            return nothing;
        run->told = true;
        return found(run, HK_CED);
    }
    if (run->blocks >= CED_LEAST / 4 && run->misses < MISSES && power >= LEAST_POWER) {
        run->misses++;
        return nothing;
    }
    struct found_tone over = finish(run);
    if (hertz > 0)
        *run = (struct tones){.hertz = hertz, .blocks = 1};
    return over;
}
