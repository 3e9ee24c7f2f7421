/* What comes in on a port: validation, the source rule, reception figures; then on to whoever hears it. */
#include <errno.h>
#include <string.h>

#include "address.h"
#include "codec.h"
#include "core.h"
#include "detector.h"
#include "g711.h"
#include "graph.h"
#include "keys.h"
#include "list.h"
#include "playout.h"
#include "port.h"
#include "quality.h"
#include "receive.h"
#include "recorder.h"
#include "report.h"
#include "rtp.h"
#include "send.h"
#include "units.h"

enum { PROBATION = 5, MAX_DROPOUT = 3000, MAX_MISORDER = 100, TIMELINE_JUMP = 8000, LARGEST_G711 = 960 };
enum { PAUSE = 1600 /* 1/8000 s; no packet is that long */, STATIC_CN = 13 /* RFC 3389 section 4 */ };

static bool is_audio(uint8_t codec) { return codec != HK_EVENTS && codec != HK_CN; }

/* --- the source rule (audio model): SDP's address at once, another after 5 packets while that one is silent --- */
static void lock(struct source_rule *rule, const union address *from)
{
    rule->locked = true;
    rule->locked_to = *from;
}

static bool candidate(struct source_rule *rule, const union address *from, const struct rtp_packet *packet)
{
    if (rule->candidate_count && address_same(&rule->candidate, from) && rule->candidate_ssrc == packet->ssrc &&
        rule->candidate_next == packet->sequence) {
        rule->candidate_count++;
    } else {
        rule->candidate = *from;
        rule->candidate_ssrc = packet->ssrc;
        rule->candidate_count = 1;
    }
    rule->candidate_next = (uint16_t)(packet->sequence + 1);
    return rule->candidate_count >= PROBATION;
}

static bool accept_source(struct port *port, const union address *from, const struct rtp_packet *packet)
{
    struct source_rule *rule = &port->rule;
    if (rule->locked)
        return address_same(&rule->locked_to, from);
    if ((address_known(&port->config.remote) && address_same(&port->config.remote, from)) ||
        (address_known(&rule->before) && address_same(&rule->before, from)) || candidate(rule, from, packet)) {
        lock(rule, from);
        return true;
    }
    return false;
}

void port_reconfigure(hk_engine *engine, struct port *port, const struct port_config *config)
{
    struct port_config *old = &port->config;
    struct source_rule *rule = &port->rule;
    bool expected = old->receiving && address_known(&old->remote);
    if (config->generation != old->generation) {
        union address nobody = {0};
        /* The same address in a new SDP (hold, resume, session refresh): a phone behind NAT goes on unheard gaps. */
        bool same = address_known(&old->remote) && address_known(&config->remote) &&
                    address_same(&old->remote, &config->remote);
        rule->before = !same ? nobody : rule->locked ? rule->locked_to : rule->before;
        rule->locked = false;
        rule->candidate_count = 0;
        rule->rtcp = nobody;
        port->in.pauses = 0;
    }
    if (config->frame != old->frame || config->send_codec != old->send_codec) {
        port->pending_size = 0;
        if (port->out.reframing)
            port->out.from_stream = 0; /* sent on anew, in the new length */
    }
    /* What was dropped meanwhile is no loss to those who hear it again. */
    if (!old->receiving && config->receiving)
        port->in.stream = ++engine->streams;
    int64_t pressed = config->press_generation - old->press_generation, shown = (int64_t)strlen(config->press);
    *old = *config;
    if (pressed > 0)
        press_keys(engine, port, port->config.press + (pressed < shown ? shown - pressed : 0));
    if (!expected && old->receiving && address_known(&old->remote)) {
        port->expecting = engine->now;
        port->silent_told = false;
    }
}

/* This moment on a clock of 8000 Hz times `units`. */
static uint32_t clock_now(const hk_engine *engine, uint8_t units)
{
    return (uint32_t)(engine->now * units / NS_PER_SAMPLE);
}

/* --- reception figures (RFC 3550 A.1, A.3, A.8) --- */
static uint64_t lost_in_stream(const struct reception *in)
{
    uint64_t expected = (uint64_t)in->cycles + in->highest - in->first + 1;
    return in->started && expected > in->stream_packets ? expected - in->stream_packets : 0;
}

uint64_t port_lost(const struct reception *in) { return in->lost_before + lost_in_stream(in); }

static uint64_t expected_in_stream(const struct reception *in)
{
    return in->started ? (uint64_t)in->cycles + in->highest - in->first + 1 : 0;
}

uint64_t port_expected(const struct reception *in) { return in->expected_before + expected_in_stream(in); }

static void begin_stream(hk_engine *engine, struct reception *in, const struct rtp_packet *packet)
{
    in->lost_before += lost_in_stream(in);
    in->expected_before += expected_in_stream(in);
    quality_begin(&in->quality);
    in->started = true;
    in->stream = ++engine->streams;
    in->ssrc = packet->ssrc;
    in->cycles = 0;
    in->highest = in->first = packet->sequence;
    in->seen = 1;
    in->bad_known = false;
    in->stream_packets = 0;
    in->expected_prior = in->received_prior = 0;
    in->timestamp = packet->timestamp;
    in->arrival = engine->now;
    in->transit = clock_now(engine, in->units) - packet->timestamp;
    in->tap_from = in->tap_at = packet->timestamp;
}

/* A timeline that leaves the clock by a second: silence suppression moves on with the clock, a restart does not. */
static bool jumped(const hk_engine *engine, const struct reception *in, const struct rtp_packet *packet)
{
    int64_t passed = (engine->now - in->arrival) * in->units / NS_PER_SAMPLE, most = TIMELINE_JUMP * in->units;
    int64_t moved = (int32_t)(packet->timestamp - in->timestamp);
    return moved - passed > most || passed - moved > most;
}

static void newest(hk_engine *engine, struct reception *in, const struct rtp_packet *packet, uint16_t ahead,
                   uint8_t units)
{
    quality_advance(&in->quality, in->seen, ahead);
    in->cycles += packet->sequence < in->highest ? 0x10000u : 0;
    in->highest = packet->sequence;
    in->seen = ahead < 64 ? in->seen << ahead | 1 : 1;
    if (packet->timestamp == in->timestamp || units != in->units)
        return; /* a telephone-event's timestamp, perhaps of another clock than the audio's */
    uint32_t transit = clock_now(engine, in->units) - packet->timestamp;
    uint32_t difference = transit - in->transit, magnitude = difference >> 31 ? 0u - difference : difference;
    in->transit = transit;
    if (magnitude < (uint32_t)TIMELINE_JUMP * in->units)
        in->jitter_16 += magnitude - ((in->jitter_16 + 8) >> 4);
    if (ahead == 1 && packet->timestamp - in->timestamp >= (uint32_t)PAUSE * in->units &&
        engine->now - in->came >= PAUSE / 2 * NS_PER_SAMPLE && in->pauses < UINT8_MAX)
        in->pauses++;
    in->timestamp = packet->timestamp;
    in->arrival = engine->now;
}

enum verdict {
    TAKEN,
    DUPLICATE, /* or as old as one */
    DOUBTED,   /* too far off to believe until a second one agrees */
    RESTARTED  /* that second one */
};

static enum verdict note_packet(hk_engine *engine, struct port *port, const struct rtp_packet *packet, bool audio, uint8_t units)
{
    struct reception *in = &port->in;
    uint16_t ahead = (uint16_t)(packet->sequence - in->highest);
    bool clock = in->units != units && (audio || in->units == 0);
    if (clock)
        in->units = units;
    if (clock || !in->started || packet->ssrc != in->ssrc || (audio && ahead < MAX_DROPOUT && jumped(engine, in, packet))) {
        begin_stream(engine, in, packet);
    } else if (ahead == 0) {
        return DUPLICATE;
    } else if (ahead < MAX_DROPOUT) {
        newest(engine, in, packet, ahead, units);
    } else if (ahead <= UINT16_MAX - MAX_MISORDER) {
        if (in->bad_known && in->bad == packet->sequence)
            return RESTARTED;
        in->bad_known = true;
        in->bad = (uint16_t)(packet->sequence + 1);
        return DOUBTED;
    } else {
        uint16_t behind = (uint16_t)(in->highest - packet->sequence);
        if (behind >= 64 || in->seen >> behind & 1)
            return DUPLICATE;
        in->seen |= UINT64_C(1) << behind;
    }
    in->stream_packets++;
    in->came = engine->now;
    return TAKEN;
}

/* --- to whoever hears it --- */
/* How loud the party is, at next to no cost: one G.711 packet of sixteen is looked at. */
static void look(struct reception *in, const uint8_t *payload, size_t size, uint8_t codec)
{
    int16_t samples[LARGEST_G711];
    int64_t sum = 0;
    g711_decode(codec, samples, payload, size);
    for (size_t i = 0; i < size; i++)
        sum += samples[i] * samples[i];
    float power = (float)sum / (float)size;
    in->loudest = power > in->loudest ? power : in->loudest;
}

static void deliver(hk_engine *engine, struct port *port, const struct rtp_packet *packet, uint8_t *data,
                    uint8_t codec, uint8_t units)
{
    /* Forwarding writes its header over what stands before the payload, not over the payload: all others read that. */
    uint8_t *payload = data + packet->start;
    if (codec <= HK_PCMA && port->in.packets % 16 == 0)
        look(&port->in, payload, packet->length, codec);
    LIST_EACH (at, &port->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        if (link->listener && link->gain > 0 &&
            (link->listener->hearing == HEARS_ONE || link->listener->handover == port))
            port_forward(engine, link->listener, port, packet, payload, codec, units);
    }
    if (port->mixed_listeners > 0) {
        struct playout_packet waits = {.stream = port->in.stream,
                                       .sequence = packet->sequence,
                                       .timestamp = packet->timestamp,
                                       .codec = codec,
                                       .units = port->in.units,
                                       .payload = payload,
                                       .size = packet->length};
        playout_put(&port->playout, port->codecs, port->opus_rate, &waits, engine->now);
    }
    if (!list_empty(&port->taps))
        tap_hear(engine, port, packet, payload, codec);
    if (!list_empty(&port->detectors))
        detect_hear(engine, port, packet, payload, codec);
}

/* Its listeners may have to hear it in another way now. */
static void new_codec(hk_engine *engine, struct port *port, uint8_t codec)
{
    port->in.codec = codec;
    graph_touch_listeners(engine, port);
    graph_settle(engine);
}

/* A packet of the source, the first time that it came. */
static void take(hk_engine *engine, struct port *port, const struct rtp_packet *packet, uint8_t *data, int place)
{
    uint8_t codec = port->config.codecs[place], units = port->config.units[place];
    port->in.packets++;
    port->in.bytes += packet->length;
    port->in.pausing = codec == HK_CN;
    if (!port->config.receiving || packet->length == 0 ||
        packet->length > (codec <= HK_PCMA ? (size_t)LARGEST_G711 : (size_t)CODEC_LARGEST))
        return;
    if (is_audio(codec) && codec != port->in.codec)
        new_codec(engine, port, codec);
    if (port->watch.judged && codec <= HK_PCMA)
        watch_payload(port, codec, data + packet->start, packet->length);
    if (codec == HK_EVENTS)
        key_event(engine, port, packet, units, data);
    deliver(engine, port, packet, data, codec, units);
}

/* The sequence began anew with the packet that was doubted: that one is heard too, and `next` follows on it. */
static void restart(hk_engine *engine, struct port *port, const struct rtp_packet *next)
{
    struct doubted *doubted = &port->doubted;
    struct rtp_packet packet;
    int place = rtp_parse(doubted->data, doubted->size, &packet) ? place_of(&port->config, packet.type) : -1;
    if (place < 0) { /* the row takes its payload type no more */
        packet = *next;
        packet.sequence--;
    }
    begin_stream(engine, &port->in, &packet);
    if (place < 0)
        return;
    port->in.stream_packets++;
    port->in.came = engine->now;
    take(engine, port, &packet, doubted->data, place);
}

/* What could not be understood counts for the party it may have come from. */
static void refused(struct port *port, const union address *from, bool valid, uint8_t type)
{
    if (!address_same_host(port_destination(port), from) || (valid && type == STATIC_CN))
        return;
    port->in.unknown += valid;
    port->in.malformed += !valid;
    if (valid)
        port->in.unknown_type = type;
}

void port_receive(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from)
{
    struct rtp_packet packet;
    bool valid;
    int place = -1;
    if (rtp_is_rtcp(data, size)) {
        port_rtcp(engine, port, data, size, from);
        return;
    }
    if (port_is_secure(port) && !port_unprotect(engine, port, data, &size, from))
        return;
    if ((valid = rtp_parse(data, size, &packet)))
        place = place_of(&port->config, packet.type);
    if (place < 0) {
        engine->figures.invalid++;
        refused(port, from, valid, packet.type);
        /* Comfort noise and the like, not negotiated: the other side lives all the same. */
        if (port->rule.locked && address_same(&port->rule.locked_to, from)) {
            port->in.heard = engine->now;
            port->in.pausing |= valid && packet.type == STATIC_CN;
        }
        return;
    }
    if (!accept_source(port, from, &packet)) {
        port->in.strangers++;
        watch_stranger(port, from);
        return;
    }
    port->in.heard = engine->now;
    port->silent_told = false;
    bool audio = is_audio(port->config.codecs[place]);
    enum verdict verdict = note_packet(engine, port, &packet, audio, port->config.units[place]);
    if (verdict == RESTARTED) {
        restart(engine, port, &packet);
        verdict = note_packet(engine, port, &packet, audio, port->config.units[place]);
    }
    port->in.repeated += verdict == DUPLICATE;
    if (verdict == DOUBTED) {
        port->doubted.size = size;
        memcpy(port->doubted.data, data, size);
    } else if (verdict == TAKEN) {
        take(engine, port, &packet, data, place);
    }
}

/* --- sockets --- */
/* Datagrams are first taken from all sockets that have some, then handled: the kernel's code for receiving, ours, and the
 * kernel's for sending each stay in the processor's caches for many packets. */
static void take_one(hk_engine *engine, struct endpoint *endpoint)
{
    struct datagram *datagram = &engine->datagrams[engine->taken];
    socklen_t room = sizeof datagram->from;
    ssize_t size;
    datagram->endpoint = endpoint;
    if (endpoint == &endpoint->port->twin && endpoint->port->twin_turns >= 2) {
        /* Connected, and nothing from before that is left: the kernel lets nobody else in. */
        size = recv(endpoint->fd, datagram->data, DATAGRAM, MSG_DONTWAIT | MSG_TRUNC);
        endpoint->port->out.refused += size < 0 && errno != EAGAIN;
        datagram->from = endpoint->port->twin_to;
    } else {
        size = recvfrom(endpoint->fd, datagram->data, DATAGRAM, MSG_DONTWAIT | MSG_TRUNC, &datagram->from.any, &room);
    }
    if (size > DATAGRAM)
        engine->figures.invalid++;
    else if (size >= 0)
        datagram->size = (size_t)size, engine->taken++;
}

/* The next port's memory is on its way while this one's packet is sent. */
static void prefetch(const struct port *port)
{
    const char *from = (const char *)port, *to = (const char *)&port->out;
    for (; from < to; from += 64)
        __builtin_prefetch(from);
}

void handle_datagrams(hk_engine *engine)
{
    for (int i = 0; i < engine->taken; i++) {
        struct datagram *datagram = &engine->datagrams[i];
        struct port *port = datagram->endpoint->port;
        if (i + 1 < engine->taken)
            prefetch(engine->datagrams[i + 1].endpoint->port);
        if (datagram->endpoint->rtcp) {
            port_rtcp(engine, port, datagram->data, datagram->size, &datagram->from);
        } else {
            engine->figures.received++;
            port_receive(engine, port, datagram->data, datagram->size, &datagram->from);
        }
    }
    engine->taken = 0;
}

void port_read(hk_engine *engine, struct endpoint *endpoint)
{
    if (engine->taken == DATAGRAMS)
        handle_datagrams(engine);
    take_one(engine, endpoint);
}
