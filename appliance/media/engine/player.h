/* Players, and the sound files that they share. */
#ifndef HAKO_PLAYER_H
#define HAKO_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "units.h"

struct sound {
    struct sound *next;
    int users;
    uint64_t device, inode, size;
    int64_t changed;
    size_t samples;
    int16_t audio[];
};

struct player {
    struct object object;
    int64_t generation;
    int32_t loop_from;
    uint32_t count, at;
    size_t offset;
    bool finished;
    struct node heard_by, all;
    int16_t frame[TICK_SAMPLES];
    struct voice voices[RATES]; /* [0] unused: files have 8 kHz */
    struct sound *sounds[];
};

/* --- mix.c --- */
void player_advance(hk_engine *engine, struct player *player);

/* --- control.c, sockets.c, sound.c: command side --- */
struct sound *sound_get(hk_engine *engine, const char *path);
void sound_release(hk_engine *engine, struct sound *sound);

#endif
