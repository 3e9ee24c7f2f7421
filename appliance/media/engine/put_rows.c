/* Rows of players, mixes, recorders and detectors: what they need is made here, on the command side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codec.h"
#include "command.h"
#include "core.h"
#include "detect.h"
#include "detector.h"
#include "graph.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "recorder.h"
#include "units.h"
#include "wav.h"

/* --- players and mixes --- */
int hk_put_player(hk_engine *engine, int64_t id, int64_t generation, int32_t loop_from, const char **files,
                  uint32_t count)
{
    struct player *player = calloc(1, sizeof *player + count * sizeof *player->sounds);
    struct command *command = command_new(PUT_PLAYER, id);
    known_existing(engine, id, PLAYER);
    if (!player || !command || !known_remember(engine, id, PLAYER)) {
        free(player);
        free(command);
        return -ENOMEM;
    }
    player->object = (struct object){.id = id, .kind = PLAYER};
    player->generation = generation;
    for (int i = 0; i < RATES; i++)
        player->voices[i].tick = UINT64_MAX - 1;
    list_init(&player->heard_by);
    list_init(&player->all);
    uint32_t start = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((int32_t)i == loop_from)
            start = player->count;
        struct sound *sound = sound_get(engine, files[i]);
        if (sound)
            player->sounds[player->count++] = sound;
    }
    /* Files left out before the loop's start move it; with none left to loop over there is no loop. */
    player->loop_from = loop_from >= 0 && (uint32_t)loop_from < count && start < player->count ? (int32_t)start : -1;
    command->object = &player->object;
    command_queue(engine, command);
    return (int)(count - player->count);
}

int hk_put_mix(hk_engine *engine, int64_t id, const struct hk_link *links, uint32_t count)
{
    struct mix *mix = calloc(1, sizeof *mix + count * sizeof *mix->links);
    struct command *command = command_new(PUT_MIX, id);
    known_existing(engine, id, MIX);
    if (!mix || !command || !known_remember(engine, id, MIX)) {
        free(mix);
        free(command);
        return -ENOMEM;
    }
    mix->object = (struct object){.id = id, .kind = MIX};
    mix->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct link *link = &mix->links[i];
        double gain = links[i].gain > 8 ? 8 : links[i].gain > 0 ? links[i].gain : 0;
        link->listener_id = links[i].listener;
        link->source_id = links[i].source;
        link->gain = (int32_t)(gain * GAIN_ONE + 0.5);
        list_init(&link->of_listener);
        list_init(&link->of_source);
        list_init(&link->waiting);
    }
    command->object = &mix->object;
    command_queue(engine, command);
    return 0;
}

/* --- recorders --- */
static struct tap *new_taps(const struct hk_recorder *row)
{
    struct tap *taps = calloc(row->right_count + 1, sizeof *taps);
    for (uint32_t i = 0; taps && i <= row->right_count; i++) {
        taps[i].port_id = i == 0 ? row->left : row->right[i - 1];
        taps[i].right = i > 0;
        list_init(&taps[i].of_port);
        list_init(&taps[i].waiting);
    }
    return taps;
}

static struct recording *new_recording(const struct hk_recorder *row)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording || !(recording->path = strdup(row->path))) {
        free(recording);
        return NULL;
    }
    recording->id = row->id;
    recording->fd = -1;
    recording->running = row->running || row->silent;
    recording->rate = row->rate == 16000 ? 16000 : 8000;
    strncpy(recording->comment, row->comment, WAV_COMMENT);
    recording->open = (struct job){.kind = JOB_OPEN, .recording = recording};
    recording->close = (struct job){.kind = JOB_CLOSE, .recording = recording};
    return recording;
}

/* Two blocks are open and one is on its way while a recorder runs: have their memory before they are needed. */
static void populate(hk_engine *engine)
{
    enum { EACH = 4 };
    if (engine->populated >= EACH * engine->recorders_known || engine->populated + EACH > ARENA_BLOCKS)
        return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = (uintptr_t)(engine->arena + engine->populated) & ~(page - 1);
    uintptr_t to = (uintptr_t)(engine->arena + engine->populated + EACH);
    (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
    engine->populated += EACH;
}

int hk_put_recorder(hk_engine *engine, const struct hk_recorder *row)
{
    struct known *known = known_existing(engine, row->id, RECORDER);
    struct tap *taps = new_taps(row);
    struct command *command = command_new(known ? CHANGE_RECORDER : PUT_RECORDER, row->id);
    struct recorder *recorder = known ? NULL : calloc(1, sizeof *recorder);
    struct recording *recording = known ? NULL : new_recording(row);
    if (!taps || !command || (!known && (!recorder || !recording)) || !known_remember(engine, row->id, RECORDER)) {
        if (recording)
            free(recording->path);
        free(recording);
        free(recorder);
        free(command);
        free(taps);
        return -ENOMEM;
    }
    command->count = row->right_count + 1;
    command->running = row->running;
    command->silent = row->silent;
    if (known) {
        command->taps = taps;
    } else {
        recorder->object = (struct object){.id = row->id, .kind = RECORDER};
        recorder->recording = recording;
        recorder->scale = recording->rate / 8000;
        recorder->taps = taps;
        recorder->count = command->count;
        list_init(&recorder->all);
        command->object = &recorder->object;
        engine->recorders_known++;
        populate(engine);
    }
    command_queue(engine, command);
    return 0;
}

/* --- detectors --- */
bool hk_hears_keys(void) { return keys_possible(); }

int hk_put_detector(hk_engine *engine, const struct hk_detector *row)
{
    struct detector *detector = calloc(1, sizeof *detector);
    struct command *command = command_new(PUT_DETECTOR, row->id);
    /* Its own decoders: a recorder's, of the same port, may begin and end at other times. */
    struct codecs *codecs = codecs_new(true);
    known_existing(engine, row->id, DETECTOR);
    if (!detector || !command || !codecs || !known_remember(engine, row->id, DETECTOR)) {
        free(detector);
        free(command);
        free(codecs);
        return -ENOMEM;
    }
    detector->object = (struct object){.id = row->id, .kind = DETECTOR};
    detector->port_id = row->port;
    detector->wants_keys = row->keys;
    detector->wants_tones = row->tones;
    detector->wants_speech = row->speech;
    detector->codecs = codecs;
    detector->keys = row->keys ? keys_new() : NULL;
    detector->decided_at = INT64_MAX;
    speech_begin(&detector->speech, row->hangover);
    list_init(&detector->of_port);
    list_init(&detector->waiting);
    list_init(&detector->all);
    command->object = &detector->object;
    command_queue(engine, command);
    return 0;
}
