/* Speech by energy above the noise floor. The floor is the lowest smoothed power of the last 1.6 s (minimum statistics:
 * R. Martin, IEEE Transactions on Speech and Audio Processing 9 (2001) 504, here for the whole band): between syllables
 * speech falls to it, and a noise that stays becomes it. */
#include <string.h>

#include "detect.h"

/* Powers: mean squares of 16-bit samples; full scale (0 dBov) is 2^30. */
#define LEAST_SPEECH 17000.0F  /* -48 dBov */
#define LEAST_FLOOR 107.0F     /* -70 dBov: a line at rest */
#define MOST_FLOOR 270000.0F   /* -36 dBov: louder is no background */
#define RISE 8.0F              /* 9 dB above the floor speech begins */
#define FALL 4.0F              /* and below 6 dB it ends */

enum { WINDOW = 40 /* blocks */, ONSET = 2 };

void speech_begin(struct speech *speech, int hangover)
{
    memset(speech, 0, sizeof *speech);
    speech->hangover = hangover < 10 ? 1 : hangover / 10;
    speech->smooth = LEAST_FLOOR;
    for (int i = 0; i < SPEECH_WINDOWS; i++)
        speech->lowest[i] = LEAST_FLOOR;
}

static float floor_of(struct speech *speech, float power)
{
    speech->smooth += (power - speech->smooth) * 0.3F;
    if (++speech->in_window > WINDOW) {
        memmove(speech->lowest + 1, speech->lowest, (SPEECH_WINDOWS - 1) * sizeof *speech->lowest);
        speech->lowest[0] = speech->smooth;
        speech->in_window = 1;
    }
    if (speech->smooth < speech->lowest[0])
        speech->lowest[0] = speech->smooth;
    float least = speech->lowest[0];
    for (int i = 1; i < SPEECH_WINDOWS; i++)
        least = speech->lowest[i] < least ? speech->lowest[i] : least;
    return least < LEAST_FLOOR ? LEAST_FLOOR : least > MOST_FLOOR ? MOST_FLOOR : least;
}

static float power_of(const int16_t *samples)
{
    int64_t sum = 0;
    for (int i = 0; i < SPEECH_BLOCK; i++)
        sum += samples[i] * samples[i];
    return (float)sum / SPEECH_BLOCK;
}

static enum speech_edge go_on(struct speech *speech, float power, float limit, int *ago)
{
    if (power > speech->peak)
        speech->peak = power;
    speech->quiet = power > limit ? 0 : speech->quiet + 1;
    if (speech->quiet < speech->hangover)
        return SPEECH_SAME;
    *ago = speech->quiet;
    speech->speaking = false;
    speech->quiet = speech->loud = 0;
    return SPEECH_ENDED;
}

enum speech_edge speech_block(struct speech *speech, const int16_t *samples, int *ago)
{
    float power = power_of(samples), floor = floor_of(speech, power);
    float limit = floor * (speech->speaking ? FALL : RISE), least = speech->speaking ? LEAST_SPEECH / 2 : LEAST_SPEECH;
    if (limit < least)
        limit = least;
    if (speech->speaking)
        return go_on(speech, power, limit, ago);
    speech->loud = power > limit ? speech->loud + 1 : 0;
    if (speech->loud < ONSET)
        return SPEECH_SAME;
    *ago = speech->loud;
    speech->speaking = true;
    speech->peak = power;
    speech->quiet = 0;
    return SPEECH_BEGAN;
}
