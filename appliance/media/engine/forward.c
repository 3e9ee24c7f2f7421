/* What one party sends, sent on to another packet by packet: nothing is decoded and nothing waits. */
#include <string.h>

#include "codec.h"
#include "core.h"
#include "g711.h"
#include "port.h"
#include "rtp.h"
#include "send.h"

enum { ODD = 3 /* packets of another length before that is taken for the source's habit */, MOST_MISSING = 100 };

/* From now on the packets of this stream continue what was sent before. */
static void follow(hk_engine *engine, struct transmission *out, const struct port *to, uint32_t stream,
                   const struct rtp_packet *packet)
{
    out->from_stream = stream;
    out->mixing = false;
    out->sequence_base = packet->sequence;
    out->sequence_offset = (uint16_t)(out->sequence + 1 - packet->sequence);
    out->timestamp_offset = port_timestamp(to, engine->now) - packet->timestamp;
    out->gap = true;
    out->odd = 0;
    out->reframing = false;
}

/* --- from the source's length of packets to the one the party asked for --- */
/* G.711, G.722 and L16 are streams of bytes: cut elsewhere they are the same sound. */
static bool reframes(struct port *to, const struct rtp_packet *packet)
{
    struct transmission *out = &to->out;
    if (packet->length == to->config.frame_bytes || to->config.frame_bytes == 0) {
        out->odd = 0;
        return out->reframing && to->pending_size > 0;
    }
    if (out->odd < ODD && ++out->odd < ODD)
        return out->reframing;
    if (!out->reframing) {
        uint16_t before = (uint16_t)(packet->sequence + out->sequence_offset - 1);
        out->sequence = (int16_t)(before - out->sequence) > 0 ? before : out->sequence;
        out->source_sequence = packet->sequence;
        out->source_timestamp = packet->timestamp + out->timestamp_offset;
        to->pending_size = 0;
    }
    return true;
}

static uint32_t duration_of(const struct port *to, size_t bytes)
{
    return (uint32_t)(to->config.send_codec == HK_L16 ? bytes / 2 : bytes);
}

void forward_rest(hk_engine *engine, struct port *to)
{
    struct transmission *out = &to->out;
    if (to->pending_size == 0 || !out->reframing)
        return;
    engine->figures.forwarded += port_send_next(engine, to, out->gap, out->pending_timestamp, to->pending.bytes,
                                                to->pending_size, duration_of(to, to->pending_size));
    to->pending_size = 0;
}

/* What does not follow on what waits: the listener shall see what was lost, and where a pause was. */
static void skip(hk_engine *engine, struct port *to, const struct rtp_packet *packet, uint32_t missing)
{
    struct transmission *out = &to->out;
    uint32_t frame = (uint32_t)to->config.frame * to->config.send_units, lost = (missing + frame / 2) / frame;
    forward_rest(engine, to);
    if (packet->sequence == out->source_sequence)
        out->gap = true;
    else
        out->sequence = (uint16_t)(out->sequence + (lost < 1 ? 1 : lost > MOST_MISSING ? MOST_MISSING : lost));
}

/* The source has the party's length now. False: the packet is one that was left behind. */
static bool end_reframing(hk_engine *engine, struct port *to, const struct rtp_packet *packet)
{
    struct transmission *out = &to->out;
    uint32_t missing = packet->timestamp + out->timestamp_offset - out->source_timestamp;
    if (missing >> 31)
        return false;
    if (missing)
        skip(engine, to, packet, missing);
    out->sequence_base = packet->sequence;
    out->sequence_offset = (uint16_t)(out->sequence + 1 - packet->sequence);
    return true;
}

static void reframe(hk_engine *engine, struct port *to, const struct rtp_packet *packet, const uint8_t *payload)
{
    struct transmission *out = &to->out;
    uint32_t timestamp = packet->timestamp + out->timestamp_offset, missing = timestamp - out->source_timestamp;
    if (missing >> 31)
        return; /* its time was sent without it */
    if (missing)
        skip(engine, to, packet, missing);
    out->gap = out->gap || packet->marker;
    for (size_t at = 0, part; at < packet->length; at += part) {
        size_t room = to->config.frame_bytes - to->pending_size;
        part = packet->length - at < room ? packet->length - at : room;
        if (to->pending_size == 0)
            out->pending_timestamp = timestamp + duration_of(to, at);
        memcpy(to->pending.bytes + to->pending_size, payload + at, part);
        to->pending_size += part;
        if (part == room)
            forward_rest(engine, to);
    }
    out->source_sequence = (uint16_t)(packet->sequence + 1);
    out->source_timestamp = timestamp + duration_of(to, packet->length);
}

/* A packet that is no audio, under the number that the party gave it; where it does not take it, the packets after it
 * close up, so that the listener does not take it for loss. */
static void forward_other(hk_engine *engine, struct port *to, const struct rtp_packet *packet, uint8_t *payload,
                          bool taken, uint8_t type)
{
    struct transmission *out = &to->out;
    uint16_t sequence = (uint16_t)(packet->sequence + out->sequence_offset);
    if (out->reframing) {
        forward_rest(engine, to);
        out->source_sequence += packet->sequence == out->source_sequence;
        sequence = (uint16_t)(out->sequence + 1);
    }
    if (!taken) {
        out->sequence_offset--;
        return;
    }
    uint8_t *start = payload - RTP_HEADER;
    rtp_write(start, packet->marker, type, sequence, packet->timestamp + out->timestamp_offset, out->ssrc);
    if (port_transmit(engine, to, start, RTP_HEADER + packet->length))
        engine->figures.forwarded++;
    if ((int16_t)(sequence - out->sequence) > 0)
        out->sequence = sequence;
}

void port_forward(hk_engine *engine, struct port *to, const struct port *from, const struct rtp_packet *packet,
                  uint8_t *payload, uint8_t codec, uint8_t units)
{
    struct transmission *out = &to->out;
    const struct port_config *config = &to->config;
    uint8_t converted[RTP_HEADER + 960];
    if (!port_can_send(to) || out->pressing) {
        out->from_stream = 0;
        return;
    }
    if (out->from_stream != from->in.stream)
        follow(engine, out, to, from->in.stream, packet);
    if ((int16_t)(packet->sequence - out->sequence_base) < 0 && (uint16_t)(out->sequence_base - packet->sequence) < 1000)
        return; /* older than the change: its number belongs to what was sent before */
    /* The base follows at a distance, so that it stays "older" however long the stream runs. */
    if ((uint16_t)(packet->sequence - out->sequence_base) > 2000)
        out->sequence_base = (uint16_t)(packet->sequence - 1000);
    uint32_t timestamp = packet->timestamp + out->timestamp_offset, duration = (uint32_t)packet->length;
    if (codec == HK_EVENTS || codec == HK_CN) {
        bool events = codec == HK_EVENTS;
        bool taken = events ? config->sends_events && config->events_units == units : config->sends_noise;
        forward_other(engine, to, packet, payload, taken, events ? config->events_type : config->noise_type);
        return;
    }
    uint8_t *start = payload - RTP_HEADER;
    if (codec > HK_PCMA) {
        duration = (uint32_t)codec_duration(codec, units, payload, packet->length);
        codec_pass(to->codecs, codec, payload, packet->length);
    } else if (codec != config->send_codec) {
        const uint8_t *table = codec == HK_PCMA ? g711_alaw_ulaw : g711_ulaw_alaw;
        start = converted;
        for (size_t i = 0; i < packet->length; i++)
            converted[RTP_HEADER + i] = table[payload[i]];
    }
    bool reframed = out->reframing;
    if ((out->reframing = reframes(to, packet))) {
        reframe(engine, to, packet, start + RTP_HEADER);
        return;
    }
    if (reframed && !end_reframing(engine, to, packet)) {
        /* One late packet is no sign of the source's length: what comes after it still has no number of its own. */
        out->reframing = true;
        return;
    }
    uint16_t sequence = (uint16_t)(packet->sequence + out->sequence_offset);
    rtp_write(start, packet->marker || out->gap, config->send_type, sequence, timestamp, out->ssrc);
    if (port_transmit(engine, to, start, RTP_HEADER + packet->length))
        engine->figures.forwarded++;
    if (!out->started || (int16_t)(sequence - out->sequence) > 0)
        port_sent(to, sequence, timestamp, duration, engine->now);
}
