/* What a port sends: one SSRC, one rising sequence, one timeline for its life, whatever is heard in turn. Here what is
 * made for it tick by tick; packets that are sent on come from forward.c. */
#include <errno.h>
#include <string.h>

#include "address.h"
#include "codec.h"
#include "core.h"
#include "g711.h"
#include "port.h"
#include "rtp.h"
#include "send.h"
#include "srtp.h"
#include "units.h"

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
    uint32_t passed = (uint32_t)((now - out->at) * port->config.send_units / NS_PER_SAMPLE);
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
        port->out.refused += errno != EAGAIN;
        return false;
    }
    port->out.packets++;
    port->out.octets += size - RTP_HEADER;
    return true;
}

static bool transmit_plain(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size)
{
    const union address *to = port_destination(port);
    if (!address_same(&port->twin_to, to) && !connect_twin(port, to))
        return send_unconnected(engine, port, packet, size, to);
    ssize_t n = send(port->twin.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ECONNREFUSED) { /* about an earlier packet; this one was not sent */
        port->out.refused++;
        n = send(port->twin.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (n < 0) {
        port->out.refused += errno != EAGAIN;
        engine->figures.send_failed++;
        return false;
    }
    port->out.packets++;
    port->out.octets += size - RTP_HEADER;
    return true;
}

/* Others still read the audio that is to be sent: what is protected is a copy. */
bool port_transmit(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size)
{
    uint8_t protected[DATAGRAM + CRYPTO_TRAILER];
    if (!port->protect)
        return transmit_plain(engine, port, packet, size);
    size_t whole = crypto_protect(port->protect, packet, size, protected);
    if (!whole) {
        engine->figures.send_failed++;
        return false;
    }
    if (!transmit_plain(engine, port, protected, whole))
        return false;
    port->out.octets -= whole - size; /* reports count payload alone (RFC 3550 section 6.4.1) */
    return true;
}

void port_sent(struct port *port, uint16_t sequence, uint32_t timestamp, uint32_t duration, int64_t now)
{
    struct transmission *out = &port->out;
    out->started = true;
    out->sequence = sequence;
    out->timestamp = timestamp;
    out->duration = duration;
    out->at = now;
    out->gap = false;
}

/* --- tick by tick --- */
bool port_send_next(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t *audio, size_t n,
                    uint32_t duration)
{
    uint8_t packet[RTP_HEADER + CODEC_LARGEST];
    uint16_t sequence = (uint16_t)(port->out.sequence + 1);
    rtp_write(packet, marker, port->config.send_type, sequence, timestamp, port->out.ssrc);
    memcpy(packet + RTP_HEADER, audio, n);
    bool went = port_transmit(engine, port, packet, RTP_HEADER + n);
    port_sent(port, sequence, timestamp, duration, engine->now);
    return went;
}

static void send_frame(hk_engine *engine, struct port *port, const uint8_t *audio, size_t n, uint32_t duration)
{
    struct transmission *out = &port->out;
    uint32_t timestamp = out->mixing ? out->timestamp + out->duration : port_timestamp(port, engine->now);
    engine->figures.mixed += port_send_next(engine, port, !out->mixing, timestamp, audio, n, duration);
    out->mixing = true;
    out->from_stream = 0;
}

static void send_g711(hk_engine *engine, struct port *port, const int16_t *samples)
{
    uint8_t *pending = port->pending.bytes;
    g711_encode(port->config.send_codec, pending + port->pending_size, samples, TICK_SAMPLES);
    port->pending_size += TICK_SAMPLES;
    size_t frame = port->config.frame, at = 0;
    for (; port->pending_size - at >= frame; at += frame)
        send_frame(engine, port, pending + at, frame, (uint32_t)frame);
    port->pending_size -= at;
    if (at && port->pending_size)
        memmove(pending, pending + at, port->pending_size);
}

static void send_wide(hk_engine *engine, struct port *port, const int16_t *samples, int rate)
{
    int16_t *pending = port->pending.samples;
    uint8_t bytes[CODEC_LARGEST];
    size_t n = (size_t)(rate / TICKS), frame = (size_t)(rate / 8000) * port->config.frame, at = 0;
    memcpy(pending + port->pending_size, samples, n * sizeof *samples);
    port->pending_size += n;
    for (; port->pending_size - at >= frame; at += frame) {
        int size = codec_encode(port->codecs, port->config.send_codec, rate, pending + at, (int)frame, bytes);
        if (size > 0)
            send_frame(engine, port, bytes, (size_t)size, (uint32_t)port->config.frame * port->config.send_units);
    }
    port->pending_size -= at;
    if (at && port->pending_size)
        memmove(pending, pending + at, port->pending_size * sizeof *pending);
}

/* A packet outside the course of audio. */
static void send_aside(hk_engine *engine, struct port *port, bool marker, uint8_t type, uint32_t timestamp,
                       const uint8_t *payload, size_t size)
{
    struct transmission *out = &port->out;
    uint8_t packet[RTP_HEADER + 16];
    uint16_t sequence = (uint16_t)(out->sequence + 1);
    rtp_write(packet, marker, type, sequence, timestamp, out->ssrc);
    memcpy(packet + RTP_HEADER, payload, size);
    if (port_transmit(engine, port, packet, RTP_HEADER + size))
        engine->figures.mixed++;
    if (!out->started)
        port_sent(port, sequence, timestamp, 0, engine->now);
    out->sequence = sequence;
    out->mixing = false;
    out->from_stream = 0;
    port->pending_size = 0;
}

void port_send_event(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t payload[4])
{
    send_aside(engine, port, marker, port->config.events_type, timestamp, payload, 4);
}

/* Silence towards a party that makes comfort noise: said after 200 ms, again each half second (RFC 3389 section 4).
 * True: nothing else is to be sent. */
static bool hush(hk_engine *engine, struct port *port, bool silent)
{
    enum { SOON = 10, AGAIN = 25, LEVEL = 75 /* -dBov: a quiet room */ };
    if (!silent || !port->config.sends_noise) {
        port->quiet_ticks = 0;
        return false;
    }
    if (++port->quiet_ticks <= SOON)
        return false;
    if ((port->quiet_ticks - SOON) % AGAIN == 1)
        send_aside(engine, port, false, port->config.noise_type, port_timestamp(port, engine->now), &(uint8_t){LEVEL}, 1);
    return true;
}

void port_send_audio(hk_engine *engine, struct port *port, const int16_t *samples, bool silent)
{
    if (port->out.pressing && port->press.tones) {
        return;
    } else if (!port_can_send(port) || port->out.pressing) {
        port->out.mixing = false;
        port->pending_size = 0;
    } else if (hush(engine, port, silent)) {
        port->out.mixing = false;
    } else if (port->config.send_codec <= HK_PCMA) {
        send_g711(engine, port, samples);
    } else {
        send_wide(engine, port, samples, port->mix_rate);
    }
}

int port_tone_rate(const struct port *port)
{
    if (port->hearing == HEARS_MIX)
        return port->mix_rate;
    return codec_rate(port->config.send_codec, port->config.send_units * 8000u);
}

void port_send_tone(hk_engine *engine, struct port *port, const int16_t *samples, int rate)
{
    if (port->config.send_codec <= HK_PCMA)
        send_g711(engine, port, samples);
    else
        send_wide(engine, port, samples, rate);
}
