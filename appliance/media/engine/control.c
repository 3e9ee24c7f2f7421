/* The command side: makes what rows need, passes it to the engine thread, frees what comes back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "wav.h"

/* --- what exists, as the command side knows it --- */
static struct known **known_place(hk_engine *engine, int64_t id)
{
    struct known **at = &engine->known[(uint64_t)id % BUCKETS];
    while (*at && (*at)->id != id)
        at = &(*at)->chain;
    return at;
}

static void forget(hk_engine *engine, int64_t id)
{
    struct known **at = known_place(engine, id), *known = *at;
    if (known) {
        *at = known->chain;
        explicit_bzero(known, sizeof *known);
        free(known);
    }
}

static struct known *remember(hk_engine *engine, int64_t id, enum kind kind)
{
    struct known **at = known_place(engine, id);
    if (!*at)
        *at = calloc(1, sizeof **at);
    if (*at) {
        (*at)->id = id;
        (*at)->kind = kind;
    }
    return *at;
}

/* The row with this id when it is of this kind; one of another kind is dropped, since ids are never shared. */
static struct known *existing(hk_engine *engine, int64_t id, enum kind kind)
{
    struct known *known = *known_place(engine, id);
    if (known && known->kind != kind) {
        hk_drop(engine, id);
        return NULL;
    }
    return known;
}

/* --- commands --- */
static struct command *new_command(enum operation operation, int64_t id)
{
    struct command *command = calloc(1, sizeof *command);
    if (command) {
        command->operation = operation;
        command->id = id;
        command->sockets = (struct sockets){-1, -1, -1};
    }
    return command;
}

static void queue(hk_engine *engine, struct command *command)
{
    command->pass.next = NULL;
    if (engine->uncommitted)
        engine->uncommitted_end->next = &command->pass;
    else
        engine->uncommitted = &command->pass;
    engine->uncommitted_end = &command->pass;
}

void hk_commit(hk_engine *engine)
{
    struct batch *batch = engine->uncommitted ? calloc(1, sizeof *batch) : NULL;
    if (!batch)
        return;
    batch->commands = engine->uncommitted;
    engine->uncommitted = engine->uncommitted_end = NULL;
    uint64_t one = 1;
    if (handover_push(&engine->batches, &batch->pass))
        (void)!write(engine->wake_fd, &one, sizeof one);
}

static void free_command(struct command *command)
{
    close_sockets(&command->sockets);
    crypto_free(command->protect);
    crypto_free(command->unprotect);
    free(command->config);
    free(command->codecs);
    free(command->taps);
    free(command);
}

static void free_port(struct port *port)
{
    free(port->codecs);
    crypto_free(port->protect);
    crypto_free(port->unprotect);
    crypto_free(port->before);
    free(port);
}

static void free_object(hk_engine *engine, struct object *object)
{
    if (object && object->kind == PORT) {
        struct port *port = (struct port *)object;
        close_sockets(&(struct sockets){port->rtp.fd, port->twin.fd, port->rtcp.fd});
        free_port(port);
        return;
    }
    if (object && object->kind == PLAYER) {
        struct player *player = (struct player *)object;
        for (uint32_t i = 0; i < player->count; i++)
            sound_release(engine, player->sounds[i]);
    } else if (object && object->kind == RECORDER) {
        free(((struct recorder *)object)->taps);
    } else if (object && object->kind == DETECTOR) {
        keys_free(((struct detector *)object)->keys);
        free(((struct detector *)object)->codecs);
    }
    free(object);
}

void free_done(hk_engine *engine)
{
    struct pass *item = handover_take(&engine->done);
    while (item) {
        struct command *command = CONTAINER(item, struct command, pass);
        item = item->next;
        free_object(engine, command->object);
        engine->undone -= command->operation == DROP;
        free_command(command);
    }
    item = handover_take(&engine->done_batches);
    while (item) {
        struct batch *batch = CONTAINER(item, struct batch, pass);
        item = item->next;
        free(batch);
    }
}

/* --- ports --- */
/* RTP clock in steps of 8000 Hz; none said is 8000, 0: not one of ours. */
static uint8_t units_of(uint32_t clock)
{
    return clock == 0 ? 1 : clock == 8000 || clock == 16000 || clock == 48000 ? (uint8_t)(clock / 8000) : 0;
}

/* Milliseconds of a packet: what the party asks for where the codec has it and the network carries it whole. */
static int ptime_of(const struct port_config *config, int wanted)
{
    int ptime = wanted <= 0 ? 20 : wanted < 10 ? 10 : wanted > 60 ? 60 : wanted - wanted % 10;
    if (config->send_codec == HK_OPUS)
        return ptime == 30 ? 20 : ptime == 50 ? 40 : ptime;
    int most = config->send_codec != HK_L16 ? 60 : config->send_units == 6 ? 10 : config->send_units == 2 ? 40 : 60;
    return ptime < most ? ptime : most;
}

/* 1: what every port has, 2: Opus too. */
static int codecs_needed(const struct port_config *config)
{
    bool opus = config->send_codec == HK_OPUS;
    for (int i = 0; i < config->type_count; i++)
        opus = opus || config->codecs[i] == HK_OPUS;
    return opus ? 2 : 1;
}

static int configure(struct port_config *config, const struct hk_port *row)
{
    memset(config, 0, sizeof *config);
    if (address_parse(&config->local, row->local_host, row->local_port) < 0 || row->local_port == 0 ||
        row->local_port == UINT16_MAX || row->receive_count > 16)
        return -EINVAL;
    if (row->remote_port && address_parse(&config->remote, row->remote_host, row->remote_port) < 0)
        return -EINVAL;
    if (address_known(&config->remote) && config->remote.any.sa_family != config->local.any.sa_family)
        return -EAFNOSUPPORT;
    /* Without a place that can be reached, reports go beside the RTP. */
    if (row->remote_rtcp_port && (address_parse(&config->remote_rtcp, row->remote_rtcp_host, row->remote_rtcp_port) < 0 ||
                                  config->remote_rtcp.any.sa_family != config->local.any.sa_family))
        config->remote_rtcp = (union address){0};
    config->rtcp_mux = row->rtcp_mux;
    config->sends_metrics = row->send_metrics;
    config->dscp = row->dscp & 63;
    config->type_count = row->receive_count;
    for (int i = 0; i < row->receive_count; i++) {
        const struct hk_payload *payload = &row->receive[i];
        config->types[i] = payload->number & 127;
        config->units[i] = units_of(payload->clock);
        config->codecs[i] = config->units[i] && payload->codec <= HK_L16 ? payload->codec : HK_NONE;
    }
    config->send_units = units_of(row->send.clock);
    /* Neither keys nor noise are a voice to be coded for. */
    config->send_codec = config->send_units && codec_rate(row->send.codec, 8000) ? row->send.codec : HK_NONE;
    config->send_units += config->send_units == 0;
    config->send_type = row->send.number & 127;
    config->events_units = units_of(row->send_events.clock);
    config->sends_events = row->send_events.codec == HK_EVENTS && config->events_units;
    config->sends_noise = row->send_noise.codec == HK_CN;
    config->sends_tones = row->press_tones && !config->sends_events;
    config->noise_type = row->send_noise.number & 127;
    config->events_type = row->send_events.number & 127;
    config->frame = (uint16_t)(ptime_of(config, row->ptime) * 8);
    config->frame_bytes = config->send_codec == HK_OPUS ? 0
                          : config->send_codec == HK_L16 ? (uint16_t)(2 * config->send_units * config->frame)
                                                         : config->frame;
    memcpy(config->press, row->press, sizeof config->press - 1);
    config->press_generation = row->press_generation;
    config->sending = row->sending;
    config->receiving = row->receiving;
    config->timeout = row->timeout > 0 && row->timeout < 1e9 ? (int64_t)(row->timeout * 1e9) : 0;
    config->generation = row->generation;
    return 0;
}

/* xorshift64*: first sequence numbers, timestamps and SSRCs need to differ, not to be secret from anyone on the path. */
static uint32_t dice(hk_engine *engine)
{
    engine->random ^= engine->random >> 12;
    engine->random ^= engine->random << 25;
    engine->random ^= engine->random >> 27;
    return (uint32_t)((engine->random * UINT64_C(2685821657736338717)) >> 32);
}

void port_lists(struct port *port)
{
    struct node *nodes[] = {&port->hears, &port->heard_by, &port->taps,  &port->detectors, &port->turn,
                            &port->keys,  &port->mixed,    &port->dirty, &port->press.all, &port->reports.turn,
                            &port->overtaking};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        list_init(nodes[i]);
}

/* RFC 7022 section 4.2: 96 random bits, as text. */
static void make_cname(hk_engine *engine, uint8_t cname[CNAME])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < CNAME; i++)
        cname[i] = (uint8_t)letters[dice(engine) & 63];
}

static struct port *new_port(hk_engine *engine, const struct port_config *config, const struct hk_port *row)
{
    struct port *port = aligned_alloc(64, (sizeof *port + 63) / 64 * 64);
    if (!port)
        return NULL;
    memset(port, 0, offsetof(struct port, pending));
    port->object = (struct object){.id = row->id, .kind = PORT};
    port->config = *config;
    port->rtp.port = port->rtcp.port = port->twin.port = port;
    port->rtcp.rtcp = true;
    port_lists(port);
    uint32_t fresh = dice(engine);
    port->in.loudest = -1;
    port->out.ssrc = row->ssrc && row->protect.suite == HK_PLAIN ? row->ssrc : fresh ? fresh : 1;
    port->out.sequence = (uint16_t)(dice(engine) & 0x7fff);
    port->out.timestamp = dice(engine) >> 1;
    port->played = UINT64_MAX;
    port->reports.round_trip = -1;
    make_cname(engine, port->reports.cname);
    return port;
}

/* A dropped port's sockets are closed only when the engine thread has let go of them. Where that is what stands in the
 * way of a new port, wait for it, a tenth of a second at most. */
static int open_after_drops(hk_engine *engine, const struct port_config *config, struct sockets *sockets)
{
    int error = open_sockets(&config->local, config->dscp, sockets);
    for (int tries = 0; error == -EADDRINUSE && engine->undone > 0 && tries < 100; tries++) {
        hk_commit(engine);
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        free_done(engine);
        error = open_sockets(&config->local, config->dscp, sockets);
    }
    return error;
}

static bool same_keys(const struct hk_keys *a, const struct hk_keys *b)
{
    return a->suite == b->suite && (a->suite == HK_PLAIN || memcmp(a->key, b->key, sizeof a->key) == 0);
}

/* The context for these keys, or none for plain RTP. 0 or -errno. */
static int new_crypto(const struct hk_keys *keys, uint32_t ssrc, struct crypto **crypto)
{
    int error = 0;
    *crypto = keys->suite == HK_PLAIN ? NULL : crypto_new(keys, ssrc, &error);
    return error;
}

/* Those of the row's keys that are others than before. */
static int change_keys(const struct known *known, const struct hk_port *row, struct command *command)
{
    int error = 0;
    command->changes_protect = !same_keys(&known->protect, &row->protect);
    command->changes_unprotect = !same_keys(&known->unprotect, &row->unprotect);
    if (command->changes_protect)
        error = new_crypto(&row->protect, known->ssrc, &command->protect);
    if (!error && command->changes_unprotect)
        error = new_crypto(&row->unprotect, 0, &command->unprotect);
    return error;
}

static int change_port(hk_engine *engine, struct known *known, const struct hk_port *row,
                       const struct port_config *config)
{
    struct command *command = new_command(CHANGE_PORT, known->id);
    if (!command)
        return -ENOMEM;
    int error = change_keys(known, row, command);
    if (!error && !address_same(&known->local, &config->local))
        error = open_after_drops(engine, config, &command->sockets);
    int needed = codecs_needed(config);
    if (!error && !(command->config = malloc(sizeof *config)))
        error = -ENOMEM;
    if (!error && needed > known->codecs && !(command->codecs = codecs_new(needed > 1)))
        error = -ENOMEM;
    if (error) {
        free_command(command);
        return error;
    }
    *command->config = *config;
    known->codecs = needed > known->codecs ? needed : known->codecs;
    known->local = config->local;
    known->protect = row->protect;
    known->unprotect = row->unprotect;
    queue(engine, command);
    return 0;
}

/* What a new port needs beside its sockets. 0 or -errno. */
static int equip(struct port *port, const struct hk_port *row, int needed)
{
    if (!(port->codecs = codecs_new(needed > 1)))
        return -ENOMEM;
    int error = new_crypto(&row->protect, port->out.ssrc, &port->protect);
    return error ? error : new_crypto(&row->unprotect, 0, &port->unprotect);
}

int hk_put_port(hk_engine *engine, const struct hk_port *row)
{
    struct port_config config;
    int error = configure(&config, row);
    if (error)
        return error;
    struct known *known = existing(engine, row->id, PORT);
    if (known)
        return change_port(engine, known, row, &config);
    struct port *port = new_port(engine, &config, row);
    struct command *command = new_command(PUT_PORT, row->id);
    struct sockets sockets;
    int needed = codecs_needed(&config);
    error = port && command ? equip(port, row, needed) : -ENOMEM;
    if (!error)
        error = open_after_drops(engine, &config, &sockets);
    if (error) {
        if (port)
            free_port(port);
        free(command);
        return error;
    }
    port->rtp.fd = sockets.rtp;
    port->twin.fd = sockets.twin;
    port->rtcp.fd = sockets.rtcp;
    if ((known = remember(engine, row->id, PORT))) {
        known->local = config.local;
        known->codecs = needed;
        known->ssrc = port->out.ssrc;
        known->protect = row->protect;
        known->unprotect = row->unprotect;
    }
    command->object = &port->object;
    queue(engine, command);
    return 0;
}

int hk_abilities(void) { return (codec_opus_built() ? HK_CAN_OPUS : 0) | (crypto_built() ? HK_CAN_SRTP : 0); }

/* --- players and mixes --- */
int hk_put_player(hk_engine *engine, int64_t id, int64_t generation, int32_t loop_from, const char **files,
                  uint32_t count)
{
    struct player *player = calloc(1, sizeof *player + count * sizeof *player->sounds);
    struct command *command = new_command(PUT_PLAYER, id);
    existing(engine, id, PLAYER);
    if (!player || !command || !remember(engine, id, PLAYER)) {
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
    queue(engine, command);
    return (int)(count - player->count);
}

int hk_put_mix(hk_engine *engine, int64_t id, const struct hk_link *links, uint32_t count)
{
    struct mix *mix = calloc(1, sizeof *mix + count * sizeof *mix->links);
    struct command *command = new_command(PUT_MIX, id);
    existing(engine, id, MIX);
    if (!mix || !command || !remember(engine, id, MIX)) {
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
    queue(engine, command);
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
    struct known *known = existing(engine, row->id, RECORDER);
    struct tap *taps = new_taps(row);
    struct command *command = new_command(known ? CHANGE_RECORDER : PUT_RECORDER, row->id);
    struct recorder *recorder = known ? NULL : calloc(1, sizeof *recorder);
    struct recording *recording = known ? NULL : new_recording(row);
    if (!taps || !command || (!known && (!recorder || !recording)) || !remember(engine, row->id, RECORDER)) {
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
    queue(engine, command);
    return 0;
}

/* --- detectors --- */
bool hk_hears_keys(void) { return keys_possible(); }

int hk_put_detector(hk_engine *engine, const struct hk_detector *row)
{
    struct detector *detector = calloc(1, sizeof *detector);
    struct command *command = new_command(PUT_DETECTOR, row->id);
    /* Its own decoders: a recorder's, of the same port, may begin and end at other times. */
    struct codecs *codecs = codecs_new(true);
    existing(engine, row->id, DETECTOR);
    if (!detector || !command || !codecs || !remember(engine, row->id, DETECTOR)) {
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
    queue(engine, command);
    return 0;
}

void hk_drop(hk_engine *engine, int64_t id)
{
    const struct known *known = *known_place(engine, id);
    struct command *command = known ? new_command(DROP, id) : NULL;
    if (!command)
        return;
    engine->recorders_known -= known->kind == RECORDER;
    forget(engine, id);
    engine->undone++;
    queue(engine, command);
}

/* --- the end --- */
int queue_quit(hk_engine *engine)
{
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        while (engine->known[bucket])
            hk_drop(engine, engine->known[bucket]->id);
    struct command *command = new_command(QUIT, 0);
    if (!command)
        return -ENOMEM;
    queue(engine, command);
    hk_commit(engine);
    return 0;
}
