/* The engine without its threads, for fuzzing and for long runs: the caller is the clock, the network and the writer. */
#ifndef QUIET_H
#define QUIET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

static inline hk_engine *quiet_new(void)
{
    hk_engine *engine = engine_prepare();
    MUST(engine);
    engine->ticking = true; /* here the caller is the timer */
    engine->anchor = engine->now = NS_PER_SECOND;
    return engine;
}

static inline void quiet_commit(hk_engine *engine)
{
    hk_commit(engine);
    apply_batches(engine);
    free_done(engine);
}

/* The next tick, at its time or late. */
static inline void quiet_tick(hk_engine *engine)
{
    int64_t at = engine->anchor + (int64_t)engine->tick * NS_PER_TICK;
    engine->now = engine->now > at ? engine->now : at;
    engine_tick(engine);
}

static inline void must_be_empty(const struct node *head) { MUST(list_empty(head)); }

/* Nothing is left of any row: neither here nor there. */
static inline void quiet_is_empty(const hk_engine *engine)
{
    const struct node *lists[] = {&engine->waiting_links, &engine->waiting_taps, &engine->mixed,    &engine->keys,
                                  &engine->dirty,         &engine->players,      &engine->recorders, &engine->pressing,
                                  &engine->detectors,     &engine->waiting_detectors};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        must_be_empty(lists[i]);
    for (int i = 0; i < WHEEL; i++) {
        must_be_empty(&engine->wheel[i]);
        must_be_empty(&engine->reports[i]);
    }
    for (int i = 0; i < BUCKETS; i++)
        MUST(!engine->objects[i] && !engine->known[i]);
    MUST(engine->figures.rows == 0 && engine->undone == 0 && engine->recorders_known == 0);
    MUST(!engine->sounds && !engine->leaving && !engine->uncommitted);
}

/* Drops every row and waits, in ticks, until the last of it has faded. */
static inline void quiet_empty(hk_engine *engine)
{
    for (int bucket = 0; bucket < BUCKETS; bucket++)
        while (engine->known[bucket])
            hk_drop(engine, engine->known[bucket]->id);
    quiet_commit(engine);
    quiet_tick(engine);
    free_done(engine);
}

#endif
