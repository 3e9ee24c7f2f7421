/* Who hears whom: links between sources and listeners, and the sum of what they hear. */
#ifndef HAKO_GRAPH_H
#define HAKO_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "list.h"
#include "object.h"

struct port;
struct tap;

struct link {
    int64_t listener_id, source_id;
    int32_t gain;  /* of GAIN_ONE */
    int32_t level; /* what it is now; goes to `gain` over a tick */
    bool leaving;  /* its mix was taken away; goes when it has faded */
    struct port *listener;
    struct object *source;
    struct node of_listener, of_source, waiting;
};

struct mix {
    struct object object;
    uint32_t count;
    struct link links[];
};

/* --- graph.c: who hears whom --- */
void graph_add_mix(hk_engine *engine, struct mix *mix);
/* From now on its links fade out; the next tick is their last. */
void graph_fade_mix(hk_engine *engine, struct mix *mix);
void graph_remove_mix(hk_engine *engine, struct mix *mix);
void graph_add_taps(hk_engine *engine, struct tap *taps, uint32_t count);
void graph_remove_taps(hk_engine *engine, struct tap *taps, uint32_t count);
/* A recorder's new taps go on where the old ones of the same ports are. */
void graph_inherit_taps(struct tap *to, uint32_t to_count, const struct tap *from, uint32_t from_count);
/* A port or player appeared or goes: links and taps that name it are tied or wait. */
void graph_tie(hk_engine *engine, struct object *object);
void graph_untie(hk_engine *engine, struct object *object);
/* Decides anew how each port that was touched gets what it hears; called once after a batch of changes. */
void graph_settle(hk_engine *engine);
/* What comes from this port is another codec than before: its listeners have to be settled anew. */
void graph_touch_listeners(hk_engine *engine, struct port *source);
/* How this port gets what it hears is to be decided anew. */
void graph_touch(hk_engine *engine, struct port *port);
/* 8000, 16000 or 48000. */
int source_rate(const struct object *source);

/* --- mix.c --- */
void mix_tick(hk_engine *engine);

#endif
