/* The engine without its threads: the test is the clock and the network. What it sends goes out by real sockets. */
#include <stdlib.h>
#include <string.h>

#include "g711.h"
#include "internal.h"

#define EXPORT __attribute__((visibility("default")))

/* The payload types that every port takes. */
static const struct hk_payload TAKEN[] = {{0, HK_PCMU, 8000},     {8, HK_PCMA, 8000},   {9, HK_G722, 8000},
                                          {13, HK_CN, 8000},      {96, HK_OPUS, 48000}, {97, HK_L16, 16000},
                                          {98, HK_L16, 48000},    {99, HK_L16, 8000},   {101, HK_EVENTS, 8000},
                                          {102, HK_EVENTS, 48000}, {103, HK_EVENTS, 16000}};
enum { TAKEN_COUNT = sizeof TAKEN / sizeof *TAKEN, NEITHER = 254 };

EXPORT hk_engine *still_new(void)
{
    hk_engine *engine = engine_prepare();
    if (engine) {
        engine->ticking = true; /* here the test is the timer */
        engine->anchor = NS_PER_SECOND;
        engine->now = NS_PER_SECOND;
    }
    return engine;
}

EXPORT void still_commit(hk_engine *engine)
{
    hk_commit(engine);
    apply_batches(engine);
    free_done(engine);
}

/* `send`, `events`: payload types of the list above, 0: µ-law, 255: none; 254: telephone-events neither way, keys as
 * tones. */
EXPORT int still_port(hk_engine *engine, int64_t id, int local, int remote, int send, int events, int noise, int ptime,
                      const char *press, int64_t press_generation)
{
    struct hk_port row = {.id = id, .local_host = "127.0.0.1", .remote_host = "127.0.0.1", .ptime = (uint16_t)ptime};
    row.local_port = (uint16_t)local;
    row.remote_port = (uint16_t)remote;
    row.sending = row.receiving = true;
    for (int i = 0; i < TAKEN_COUNT; i++)
        if (events != NEITHER || TAKEN[i].codec != HK_EVENTS)
            row.receive[row.receive_count++] = TAKEN[i];
    row.press_tones = events == NEITHER;
    for (int i = 0; i < TAKEN_COUNT; i++) {
        if (TAKEN[i].number == send)
            row.send = TAKEN[i];
        if (TAKEN[i].number == events)
            row.send_events = TAKEN[i];
        if (TAKEN[i].codec == HK_CN && noise)
            row.send_noise = TAKEN[i];
    }
    strncpy(row.press, press, sizeof row.press - 1);
    row.press_generation = press_generation;
    return hk_put_port(engine, &row);
}

EXPORT int still_mix(hk_engine *engine, int64_t id, const int64_t *listeners, const int64_t *sources,
                     const double *gains, int count)
{
    struct hk_link links[2048];
    for (int i = 0; i < count; i++)
        links[i] = (struct hk_link){listeners[i], sources[i], gains[i]};
    return hk_put_mix(engine, id, links, (uint32_t)count);
}

/* Runs the ticks that are due before `at` (ns after the start), then hands over the datagram of that moment, if any. */
EXPORT void still_run(hk_engine *engine, int64_t at, int64_t port, int remote, const uint8_t *data, int size)
{
    uint8_t copy[DATAGRAM];
    at += NS_PER_SECOND;
    while (engine->anchor + (int64_t)engine->tick * NS_PER_TICK <= at) {
        engine->now = engine->anchor + (int64_t)engine->tick * NS_PER_TICK;
        engine_tick(engine);
    }
    engine->now = at;
    struct port *to = (struct port *)find_object(engine, port);
    if (size > 0 && to) {
        union address from;
        memcpy(copy, data, (size_t)size);
        address_parse(&from, "127.0.0.1", (uint16_t)remote);
        port_receive(engine, to, copy, (size_t)size, &from);
    }
    free_done(engine);
}

/* An RTCP packet of the party, now. */
EXPORT void still_report(hk_engine *engine, int64_t port, int remote, const uint8_t *data, int size)
{
    uint8_t copy[DATAGRAM];
    union address from;
    memcpy(copy, data, (size_t)size);
    address_parse(&from, "127.0.0.1", (uint16_t)remote);
    port_rtcp(engine, (struct port *)find_object(engine, port), copy, (size_t)size, &from);
}

/* Many datagrams, in the order of their times: `size` bytes each, from `start` of `data` on. */
EXPORT void still_play(hk_engine *engine, int count, const int64_t *at, const int32_t *port, const int32_t *remote,
                       const int32_t *start, const int32_t *size, const uint8_t *data)
{
    for (int i = 0; i < count; i++)
        still_run(engine, at[i], port[i], remote[port[i]], data + start[i], size[i]);
}

EXPORT int still_player(hk_engine *engine, int64_t id, const char *file)
{
    return hk_put_player(engine, id, 1, -1, &file, 1);
}

EXPORT int still_recorder(hk_engine *engine, int64_t id, int64_t left, int64_t right, int running, int silent, int rate)
{
    struct hk_recorder row = {.id = id, .path = "/nowhere", .comment = "", .left = left, .right = &right};
    row.right_count = 1;
    row.running = running;
    row.silent = silent;
    row.rate = (uint32_t)rate;
    int result = hk_put_recorder(engine, &row);
    still_commit(engine);
    return result;
}

/* What the newest block said, for the header. */
static struct wav_moment moment;

/* How far the recording was, and when (ns after the start). */
EXPORT void still_moment(int64_t figures[2])
{
    figures[0] = moment.frames;
    figures[1] = moment.at - NS_PER_SECOND;
}

/* Does the writer's work: lays what was recorded by now into `frames` stereo samples. Gives the length of a recording
 * that ended, -1: none did. */
EXPORT int64_t still_recorded(hk_engine *engine, int16_t *frames, int64_t most)
{
    int64_t length = -1;
    struct pass *item = handover_take(&engine->jobs);
    while (item) {
        struct job *job = CONTAINER(item, struct job, pass);
        item = item->next;
        if (job->kind == JOB_CLOSE) {
            length = job->position;
            free(job->recording->path);
            free(job->recording);
        } else if (job->kind == JOB_AUDIO) {
            struct block *block = CONTAINER(job, struct block, job);
            moment = job->moment;
            int64_t n = job->position + job->frames > most ? most - job->position : job->frames;
            if (n > 0)
                memcpy(frames + 2 * job->position, block->audio, (size_t)n * 2 * sizeof *frames);
            atomic_fetch_sub(&job->recording->waiting, 1);
            handover_push(&engine->free_blocks, &job->pass);
        }
    }
    return length;
}

/* forwarded, made by ticks, invalid */
EXPORT void still_figures(const hk_engine *engine, int64_t figures[3])
{
    figures[0] = (int64_t)engine->figures.forwarded;
    figures[1] = (int64_t)engine->figures.mixed;
    figures[2] = (int64_t)engine->figures.invalid;
}

/* late, concealed, stretched, cut; delay aimed at, ms; hearing */
EXPORT void still_playout(hk_engine *engine, int64_t id, int64_t figures[6])
{
    const struct port *port = (const struct port *)find_object(engine, id);
    const struct playout *playout = &port->playout;
    int64_t now[] = {playout->late, playout->concealed,                 playout->stretched,
                     playout->cut,  playout_target(playout) / 1000000, port->hearing};
    memcpy(figures, now, sizeof now);
}

EXPORT int still_detector(hk_engine *engine, int64_t id, int64_t port, int keys, int tones, int speech, int hangover)
{
    struct hk_detector row = {.id = id, .port = port, .keys = keys, .tones = tones, .speech = speech};
    row.hangover = (uint16_t)hangover;
    return hk_put_detector(engine, &row);
}

EXPORT void still_drop(hk_engine *engine, int64_t id) { hk_drop(engine, id); }

/* The next event: its kind, 0: none; id, what it says (key, tone, speaking), in-band, at, milliseconds or hertz */
EXPORT int still_next(hk_engine *engine, double figures[5])
{
    struct hk_event event;
    if (hk_take_events(engine, &event, 1) == 0)
        return 0;
    int said = event.kind == HK_DIGIT ? event.digit : event.kind == HK_TONE ? event.tone : event.speaking;
    double now[] = {(double)event.id, said, event.inband, event.seconds,
                    event.kind == HK_TONE ? event.hertz : event.milliseconds};
    memcpy(figures, now, sizeof now);
    return event.kind;
}

EXPORT int still_take(hk_engine *engine, struct hk_event *events, int most) { return hk_take_events(engine, events, most); }

EXPORT void still_free(hk_engine *engine)
{
    queue_quit(engine);
    apply_batches(engine);
    free_done(engine);
    engine_release(engine);
}

/* --- the parts by themselves --- */
EXPORT size_t still_resample(int16_t *out, int to, const int16_t *in, size_t n, int from)
{
    static struct resampler state;
    size_t frame = (size_t)from / 50, made = 0;
    resample_init();
    memset(&state, 0, sizeof state);
    for (size_t at = 0; at + frame <= n; at += frame)
        made += resample(&state, out + made, to, in + at, frame, from);
    return made;
}

EXPORT size_t still_code(int codec, int rate, int frame, int16_t *out, const int16_t *in, size_t n, const uint8_t *lost,
                         int reported)
{
    /* The codec alone: coded and decoded, with its own means where `lost` says that a frame did not come. */
    g711_init();
    struct codecs *codecs = codecs_new(true);
    uint8_t bytes[2][CODEC_LARGEST];
    int sizes[2] = {0, 0};
    size_t made = 0, number = 0;
    static struct concealment hole;
    hole.on = false;
    codecs->loss = reported;
    sizes[0] = codec_encode(codecs, (uint8_t)codec, rate, in, frame, bytes[0]);
    for (size_t at = 0; at + (size_t)frame <= n; at += (size_t)frame, number++) {
        const uint8_t *now = bytes[number % 2], *next = bytes[(number + 1) % 2];
        bool more = at + 2 * (size_t)frame <= n;
        if (more)
            sizes[(number + 1) % 2] = codec_encode(codecs, (uint8_t)codec, rate, in + at + frame, frame, bytes[(number + 1) % 2]);
        int got = 0;
        if (lost && lost[number] && codec == HK_OPUS) {
            bool copy = more && !lost[number + 1];
            got = codec_opus_missing(codecs, copy ? next : NULL, copy ? (size_t)sizes[(number + 1) % 2] : 0, out + made, frame);
        } else if (lost && lost[number]) {
            if (!hole.on)
                conceal_begin(&hole, rate, out + made, (int)made);
            conceal(&hole, out + made, frame);
            got = frame;
        } else {
            got = codec_decode(codecs, (uint8_t)codec, rate, now, (size_t)sizes[number % 2], out + made);
            if (hole.on && got)
                conceal_join(&hole, out + made, got);
        }
        made += (size_t)got;
    }
    free(codecs);
    return made;
}

EXPORT int still_encode(struct codecs *codecs, int codec, int rate, const int16_t *in, int n, uint8_t *out)
{
    return codec_encode(codecs, (uint8_t)codec, rate, in, n, out);
}

EXPORT int still_decode(struct codecs *codecs, int codec, int rate, const uint8_t *payload, size_t size, int16_t *out)
{
    return codec_decode(codecs, (uint8_t)codec, rate, payload, size, out);
}

/* Whether an Opus packet of one frame has a copy of the one before it, by its LBRR flag. */
EXPORT int still_opus_copy(const uint8_t *payload, int size)
{
    /* RFC 6716 4.2.3: a packet with SILK in it begins with a VAD flag for each SILK frame, then the LBRR flag. */
    int configuration = payload[0] >> 3, count = payload[0] & 3;
    if (configuration >= 16 || count != 0 || size < 2)
        return 0;
    int frames = configuration >= 12 || configuration % 4 < 2 ? 1 : configuration % 4;
    return payload[1] >> (7 - frames) & 1;
}

EXPORT struct codecs *still_codecs(int loss)
{
    g711_init();
    resample_init();
    struct codecs *codecs = codecs_new(true);
    codecs->loss = loss;
    return codecs;
}

EXPORT void still_codecs_free(struct codecs *codecs) { free(codecs); }
