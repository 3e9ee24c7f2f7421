/* Detectors in the engine thread: each is fed a copy of what its port receives, on one timeline without gaps, and tells
 * what it found. Nothing here delays a packet. */
#include <math.h>
#include <string.h>

#include "codec.h"
#include "core.h"
#include "detect.h"
#include "detector.h"
#include "keys.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "rtp.h"
#include "units.h"

#define SILENT_NS INT64_C(120000000)    /* without a packet: the party makes a pause (DTX) */
#define UNDECIDED_NS INT64_C(100000000) /* after a tone: telephone-events for the same key may still come */

enum { HELD = 480 /* samples lost that change nothing: 60 ms */, LONGEST_GAP = 8000 };

/* --- what was found --- */
static struct hk_event about(const struct detector *detector, enum hk_event_kind kind)
{
    return (struct hk_event){.kind = (int32_t)kind, .id = detector->port_id};
}

static void say(hk_engine *engine, const struct hk_event *event)
{
    tell(engine, &engine->from_engine, event);
    engine->events_new = true;
}

static void say_key(hk_engine *engine, struct detector *detector)
{
    struct hk_event event = about(detector, HK_DIGIT);
    event.digit = detector->undecided;
    event.inband = true;
    event.milliseconds = (int32_t)((engine->now - detector->key_from) / 1000000);
    detector->undecided = 0;
    say(engine, &event);
}

static bool takes_events(const struct port *port)
{
    for (int i = 0; i < port->config.type_count; i++)
        if (port->config.codecs[i] == HK_EVENTS)
            return true;
    return false;
}

/* Who sends telephone-events says by them what is pressed; the tone beside them is the same key. */
static bool sends_events(const struct port *port) { return port->key.at != 0; }

static void key_down(hk_engine *engine, struct detector *detector, char digit)
{
    if (detector->undecided && !sends_events(detector->port))
        say_key(engine, detector);
    detector->undecided = sends_events(detector->port) ? 0 : digit;
    detector->key_from = engine->now;
    detector->decided_at = INT64_MAX;
    if (!detector->undecided || takes_events(detector->port))
        return;
    say_key(engine, detector);
    press_relay_tone(engine, detector->port, (uint8_t)telephone_event_code(digit));
}

static void key_up(hk_engine *engine, struct detector *detector)
{
    press_release(engine, detector->port);
    detector->decided_at = engine->now + UNDECIDED_NS;
}

static void hear_keys(hk_engine *engine, struct detector *detector, const int16_t *samples, int n)
{
    char missed, now = keys_feed(detector->keys, samples, n, &missed);
    if (detector->key && (missed || now != detector->key))
        key_up(engine, detector);
    if (missed) {
        key_down(engine, detector, missed);
        key_up(engine, detector);
    }
    if (now && (missed || now != detector->key))
        key_down(engine, detector, now);
    detector->key = now;
}

static void hear_tones(hk_engine *engine, struct detector *detector)
{
    struct found_tone tone = tones_block(&detector->tones, detector->block);
    if (!tone.kind)
        return;
    struct hk_event event = about(detector, HK_TONE);
    event.tone = tone.kind;
    event.hertz = (double)tone.hertz;
    event.milliseconds = tone.milliseconds;
    event.seconds = (double)detector->fed / 8000;
    say(engine, &event);
}

static void hear_speech(hk_engine *engine, struct detector *detector, const int16_t *samples)
{
    int ago = 0;
    enum speech_edge edge = speech_block(&detector->speech, samples, &ago);
    if (edge == SPEECH_SAME)
        return;
    struct hk_event event = about(detector, HK_SPEECH);
    event.speaking = edge == SPEECH_BEGAN;
    event.seconds = (double)detector->fed / 8000 - ago * 0.01;
    event.level = 10 * log10((double)detector->speech.peak / (1 << 30));
    say(engine, &event);
}

/* --- one timeline --- */
static void feed(hk_engine *engine, struct detector *detector, const int16_t *samples, int n)
{
    if (detector->keys && detector->wants_keys)
        hear_keys(engine, detector, samples, n);
    while (n > 0) {
        int part = SPEECH_BLOCK - detector->filled % SPEECH_BLOCK;
        part = part < n ? part : n;
        memcpy(detector->block + detector->filled, samples, (size_t)part * sizeof *samples);
        detector->filled += part;
        detector->fed += (uint64_t)part;
        samples += part;
        n -= part;
        if (detector->filled % SPEECH_BLOCK)
            return;
        if (detector->wants_speech)
            hear_speech(engine, detector, detector->block + detector->filled - SPEECH_BLOCK);
        if (detector->filled < TONE_BLOCK)
            continue;
        detector->filled = 0;
        if (detector->wants_tones)
            hear_tones(engine, detector);
    }
}

static void feed_silence(hk_engine *engine, struct detector *detector, int64_t n)
{
    static const int16_t silence[TONE_BLOCK];
    for (; n > 0; n -= TONE_BLOCK)
        feed(engine, detector, silence, n < TONE_BLOCK ? (int)n : TONE_BLOCK);
}

/* Brings the detector to where this packet begins: what a few lost ones carried is left out, a pause is silence. */
static void catch_up(hk_engine *engine, struct detector *detector, const struct rtp_packet *packet)
{
    const struct reception *in = &detector->port->in;
    int32_t gap = (int32_t)(packet->timestamp - detector->next) / (in->units ? in->units : 1);
    if (detector->stream != in->stream) {
        detector->stream = in->stream;
        gap = detector->ahead = 0;
    }
    gap -= detector->ahead;
    detector->ahead = gap < 0 && detector->ahead > 0 ? -gap : 0;
    if (gap > HELD && gap <= LONGEST_GAP)
        feed_silence(engine, detector, gap);
    else if (gap > 0 && gap <= HELD)
        detector->fed += (uint64_t)gap;
}

void detect_hear(hk_engine *engine, struct port *port, const struct rtp_packet *packet, const uint8_t *payload,
                 uint8_t codec)
{
    int16_t samples[CODEC_LARGEST];
    if (codec == HK_EVENTS || codec == HK_CN || packet->sequence != port->in.highest)
        return;
    LIST_EACH (at, &port->detectors) {
        struct detector *detector = CONTAINER(at, struct detector, of_port);
        catch_up(engine, detector, packet);
        int rate = 8000, n = codec_decode_tap(detector->codecs, codec, port->in.units, &rate, payload, packet->length, samples);
        detector->next = packet->timestamp +
                         (uint32_t)codec_duration(codec, port->in.units, payload, packet->length);
        detector->arrival = engine->now;
        feed(engine, detector, samples, n);
    }
}

void detect_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->detectors) {
        struct detector *detector = CONTAINER(at, struct detector, all);
        if (!detector->port)
            continue;
        if (engine->now - detector->arrival > SILENT_NS) {
            feed_silence(engine, detector, TICK_SAMPLES);
            detector->ahead += TICK_SAMPLES;
        }
        if (detector->undecided && sends_events(detector->port))
            detector->undecided = 0;
        if (detector->undecided && engine->now >= detector->decided_at)
            say_key(engine, detector);
    }
}

/* --- rows --- */
static void tie(hk_engine *engine, struct detector *detector)
{
    struct object *object = find_object(engine, detector->port_id);
    if (object && object->kind == PORT) {
        list_del(&detector->waiting);
        detector->port = (struct port *)object;
        detector->stream = 0;
        detector->arrival = engine->now - SILENT_NS;
        list_add(&detector->port->detectors, &detector->of_port);
    } else if (list_empty(&detector->waiting)) {
        list_add(&engine->waiting_detectors, &detector->waiting);
    }
}

void detect_tie(hk_engine *engine, int64_t port)
{
    LIST_EACH (at, &engine->waiting_detectors) {
        struct detector *detector = CONTAINER(at, struct detector, waiting);
        if (detector->port_id == port)
            tie(engine, detector);
    }
}

void detect_untie(hk_engine *engine, struct port *port)
{
    LIST_EACH (at, &port->detectors) {
        struct detector *detector = CONTAINER(at, struct detector, of_port);
        list_del(&detector->of_port);
        detector->port = NULL;
        list_add(&engine->waiting_detectors, &detector->waiting);
    }
}

/* A detector that goes on for the same port knows what the one before it knew. What it needs no more goes back. */
static void inherit(struct detector *detector, struct detector *old)
{
    struct keys *keys = old->keys ? old->keys : detector->keys;
    old->keys = old->keys ? detector->keys : NULL;
    detector->keys = keys;
    struct codecs *codecs = old->codecs;
    old->codecs = detector->codecs;
    detector->codecs = codecs;
    if (detector->wants_speech && old->wants_speech) {
        int hangover = detector->speech.hangover;
        detector->speech = old->speech;
        detector->speech.hangover = hangover;
    }
    if (detector->wants_tones && old->wants_tones)
        detector->tones = old->tones;
    detector->key = old->key;
    detector->undecided = old->undecided;
    detector->key_from = old->key_from;
    detector->decided_at = old->decided_at;
    detector->stream = old->stream;
    detector->next = old->next;
    detector->ahead = old->ahead;
    detector->arrival = old->arrival;
    detector->filled = old->filled;
    memcpy(detector->block, old->block, sizeof old->block);
    detector->fed = old->wants_speech && detector->wants_speech ? old->fed : 0;
}

void detect_add(hk_engine *engine, struct detector *detector, struct detector *old)
{
    list_add(&engine->detectors, &detector->all);
    tie(engine, detector);
    if (!old)
        return;
    if (old->port && old->port == detector->port)
        inherit(detector, old);
    detect_remove(old);
}

void detect_remove(struct detector *detector)
{
    list_del(&detector->all);
    list_del(&detector->of_port);
    list_del(&detector->waiting);
    detector->port = NULL;
}
