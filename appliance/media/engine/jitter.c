#include "jitter.h"

#include <string.h>

enum { WINDOW = 100, STEP = 160 };

void jitter_reset(struct jitter *jitter)
{
    jitter->running = false;
    jitter->delay = JITTER_LEAST;
}

static void start(struct jitter *jitter, uint32_t timestamp, size_t n)
{
    jitter->running = true;
    jitter->end = timestamp + (uint32_t)n;
    jitter->next = jitter->end - (uint32_t)jitter->delay;
    jitter->least = JITTER_RING;
    jitter->window = 0;
    memset(jitter->ring, 0, sizeof jitter->ring);
}

static void raise_delay(struct jitter *jitter)
{
    jitter->delay = jitter->delay + STEP < JITTER_MOST ? jitter->delay + STEP : JITTER_MOST;
}

void jitter_put(struct jitter *jitter, uint32_t timestamp, const int16_t *samples, size_t n)
{
    if (n > JITTER_RING / 2)
        return;
    int32_t ahead = (int32_t)(timestamp - jitter->next);
    if (!jitter->running || ahead + (int32_t)n > JITTER_RING || ahead < -8000) {
        start(jitter, timestamp, n);
    } else if (ahead < 0) {
        jitter->late++;
        /* The stream paused or the network slowed: begin again with more in reserve. A lone straggler is let go. */
        if ((int32_t)(timestamp + (uint32_t)n - jitter->end) <= 0)
            return;
        raise_delay(jitter);
        start(jitter, timestamp, n);
    }
    for (size_t i = 0; i < n; i++)
        jitter->ring[(timestamp + i) % JITTER_RING] = samples[i];
    if ((int32_t)(timestamp + (uint32_t)n - jitter->end) > 0)
        jitter->end = timestamp + (uint32_t)n;
}

/* Once a window: when there was always more in reserve than needed, skip some to bring the delay back down. */
static void adapt(struct jitter *jitter, int32_t reserve)
{
    if (reserve < jitter->least)
        jitter->least = reserve;
    if (++jitter->window < WINDOW)
        return;
    if (jitter->least > STEP && jitter->least < JITTER_RING) {
        for (int i = 0; i < STEP / 2; i++)
            jitter->ring[jitter->next++ % JITTER_RING] = 0;
        if (jitter->delay > JITTER_LEAST)
            jitter->delay -= STEP / 2;
    }
    jitter->window = 0;
    jitter->least = JITTER_RING;
}

bool jitter_get(struct jitter *jitter, int16_t *out, size_t n)
{
    int32_t reserve = (int32_t)(jitter->end - jitter->next);
    if (!jitter->running || reserve <= 0) {
        memset(out, 0, n * sizeof *out);
        if (jitter->running)
            jitter->next += (uint32_t)n;
        /* After a second of nothing the stream has paused; its next packet starts anew. */
        if (jitter->running && reserve < -8000)
            jitter->running = false;
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = (jitter->next + i) % JITTER_RING;
        out[i] = jitter->ring[at];
        jitter->ring[at] = 0;
    }
    jitter->next += (uint32_t)n;
    adapt(jitter, reserve - (int32_t)n);
    return true;
}
