/* What a port sends: one SSRC, one rising sequence, one timeline for its life, whatever is heard in turn. */
#include <errno.h>
#include <string.h>

#include "g711.h"
#include "internal.h"

const union address *port_destination(const struct port *port)
{
    return port->rule.locked ? &port->rule.locked_to : &port->config.remote;
}

bool port_can_send(const struct port *port)
{
    return port->config.sending && port->config.send_codec != HK_NONE && address_known(&port->config.remote);
}

uint32_t port_timestamp(const struct port *port, int64_t now)
{
    const struct transmission *out = &port->out;
    if (!out->started)
        return out->timestamp;
    uint32_t passed = (uint32_t)((now - out->at) / NS_PER_SAMPLE);
    return out->timestamp + (passed > out->duration ? passed : out->duration);
}

static bool connect_twin(struct port *port, const union address *to)
{
    port->twin_to = *to;
    port->twin_turns = 0;
    if (connect(port->twin.fd, &to->any, address_size(to)) == 0)
        return true;
    port->twin_to = (union address){0};
    return false;
}

/* Where no route exists now: it may at the next packet. */
static bool send_unconnected(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size,
                             const union address *to)
{
    if (sendto(port->rtp.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to->any, address_size(to)) < 0) {
        engine->figures.send_failed++;
        return false;
    }
    port->out.packets++;
    port->out.octets += size - RTP_HEADER;
    return true;
}

static bool transmit(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size)
{
    const union address *to = port_destination(port);
    if (!address_same(&port->twin_to, to) && !connect_twin(port, to))
        return send_unconnected(engine, port, packet, size, to);
    ssize_t n = send(port->twin.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ECONNREFUSED) /* about an earlier packet; this one was not sent */
        n = send(port->twin.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        engine->figures.send_failed++;
        return false;
    }
    port->out.packets++;
    port->out.octets += size - RTP_HEADER;
    return true;
}

static void sent(struct port *port, uint16_t sequence, uint32_t timestamp, uint32_t duration, int64_t now)
{
    struct transmission *out = &port->out;
    out->started = true;
    out->sequence = sequence;
    out->timestamp = timestamp;
    out->duration = duration;
    out->at = now;
    out->gap = false;
}

/* --- packet by packet --- */
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
}

static void forward_event(hk_engine *engine, struct port *to, const struct rtp_packet *packet, uint8_t *payload,
                          uint16_t sequence)
{
    struct transmission *out = &to->out;
    if (!to->config.sends_events) {
        /* Those after it close up, so that the listener does not take it for loss. */
        out->sequence_offset--;
        return;
    }
    uint8_t *start = payload - RTP_HEADER;
    rtp_write(start, packet->marker, to->config.events_type, sequence, packet->timestamp + out->timestamp_offset,
              out->ssrc);
    if (transmit(engine, to, start, RTP_HEADER + packet->length))
        engine->figures.forwarded++;
    if ((int16_t)(sequence - out->sequence) > 0)
        out->sequence = sequence;
}

void port_forward(hk_engine *engine, struct port *to, const struct port *from, const struct rtp_packet *packet,
                  uint8_t *payload, uint8_t codec)
{
    struct transmission *out = &to->out;
    uint8_t converted[RTP_HEADER + 960];
    if (!port_can_send(to)) {
        out->from_stream = 0;
        return;
    }
    if (out->from_stream != from->in.stream)
        follow(engine, out, to, from->in.stream, packet);
    if ((int16_t)(packet->sequence - out->sequence_base) < 0 && (uint16_t)(out->sequence_base - packet->sequence) < 1000)
        return; /* older than the change: its number belongs to what was sent before */
    uint16_t sequence = (uint16_t)(packet->sequence + out->sequence_offset);
    uint32_t timestamp = packet->timestamp + out->timestamp_offset;
    if (codec == HK_EVENTS) {
        forward_event(engine, to, packet, payload, sequence);
        return;
    }
    uint8_t *start = payload - RTP_HEADER;
    if (codec != to->config.send_codec) {
        const uint8_t *table = codec == HK_PCMA ? g711_alaw_ulaw : g711_ulaw_alaw;
        start = converted;
        for (size_t i = 0; i < packet->length; i++)
            converted[RTP_HEADER + i] = table[payload[i]];
    }
    rtp_write(start, packet->marker || out->gap, to->config.send_type, sequence, timestamp, out->ssrc);
    if (transmit(engine, to, start, RTP_HEADER + packet->length))
        engine->figures.forwarded++;
    if (!out->started || (int16_t)(sequence - out->sequence) > 0) {
        sent(to, sequence, timestamp, (uint32_t)packet->length, engine->now);
        /* The base follows at a distance, so that it stays "older" however long the stream runs. */
        if ((uint16_t)(packet->sequence - out->sequence_base) > 2000)
            out->sequence_base = (uint16_t)(packet->sequence - 1000);
    }
}

/* --- tick by tick --- */
static void send_frame(hk_engine *engine, struct port *port, const uint8_t *audio, size_t n)
{
    struct transmission *out = &port->out;
    uint8_t packet[RTP_HEADER + 480];
    uint32_t timestamp = out->mixing ? out->timestamp + out->duration : port_timestamp(port, engine->now);
    uint16_t sequence = (uint16_t)(out->sequence + 1);
    rtp_write(packet, !out->mixing, port->config.send_type, sequence, timestamp, out->ssrc);
    memcpy(packet + RTP_HEADER, audio, n);
    if (transmit(engine, port, packet, RTP_HEADER + n))
        engine->figures.mixed++;
    sent(port, sequence, timestamp, (uint32_t)n, engine->now);
    out->mixing = true;
    out->from_stream = 0;
}

void port_send_audio(hk_engine *engine, struct port *port, const int16_t *samples)
{
    if (!port_can_send(port)) {
        port->out.mixing = false;
        port->pending_size = 0;
        return;
    }
    g711_encode(port->config.send_codec, port->pending + port->pending_size, samples, TICK_SAMPLES);
    port->pending_size += TICK_SAMPLES;
    size_t frame = port->config.frame, at = 0;
    for (; port->pending_size - at >= frame; at += frame)
        send_frame(engine, port, port->pending + at, frame);
    port->pending_size -= at;
    if (at && port->pending_size)
        memmove(port->pending, port->pending + at, port->pending_size);
}
