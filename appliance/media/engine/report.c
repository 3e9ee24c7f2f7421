/* Once a second for each port: has it fallen silent? Every five: statistics, and RTCP to the other side. */
#include <string.h>
#include <time.h>

#include "internal.h"

enum { NTP_TO_UNIX = 2208988800u };

static void stats(hk_engine *engine, struct port *port, bool final)
{
    const struct reception *in = &port->in;
    struct hk_event event = {.kind = HK_PORT_STATS, .id = port->object.id, .final = final};
    event.packets = in->packets;
    event.bytes = in->bytes;
    event.lost = port_lost(in);
    event.strangers = in->strangers;
    event.unauthentic = in->unauthentic;
    event.sent = port->out.packets;
    event.jitter_ms = in->jitter_16 / 16.0 / 8.0 / (in->units ? in->units : 1);
    event.last_heard = in->heard ? (double)(engine->now - in->heard) / 1e9 : -1;
    if (port->rule.locked) {
        address_text(&port->rule.locked_to, event.source_host, sizeof event.source_host);
        event.source_port = address_port(&port->rule.locked_to);
    }
    port->told_packets = in->packets + in->strangers + in->unauthentic;
    port->told_sent = port->out.packets;
    tell(engine, &engine->from_engine, &event);
    engine->events_later = true;
}

/* --- RTCP out (RFC 3550 section 6.4) --- */
static void reception_block(const hk_engine *engine, struct reception *in, struct rtcp_own *own)
{
    uint32_t expected = in->cycles + in->highest - in->first + 1, received = (uint32_t)in->stream_packets;
    int32_t interval = (int32_t)(expected - in->expected_prior);
    int32_t lost = interval - (int32_t)(received - in->received_prior);
    in->expected_prior = expected;
    in->received_prior = received;
    own->heard = true;
    own->source = in->ssrc;
    own->fraction_lost = (uint8_t)(interval <= 0 || lost <= 0 ? 0 : (lost << 8) / interval > 255 ? 255 : (lost << 8) / interval);
    own->lost = (int32_t)(expected - received);
    own->highest = in->cycles | in->highest;
    own->jitter = in->jitter_16 >> 4;
    own->last_sr = in->sr_middle;
    own->delay = in->sr_middle ? (uint32_t)((engine->now - in->sr_arrival) * 65536 / NS_PER_SECOND) : 0;
}

static void send_rtcp(hk_engine *engine, struct port *port, bool bye)
{
    uint8_t packet[RTCP_LARGEST], protected[RTCP_LARGEST + CRYPTO_TRAILER];
    struct timespec wall;
    union address to = address_known(&port->rule.rtcp) ? port->rule.rtcp : *port_destination(port);
    if (!address_known(&port->config.remote))
        return;
    if (!address_known(&port->rule.rtcp))
        address_set_port(&to, (uint16_t)(address_port(&to) + 1));
    clock_gettime(CLOCK_REALTIME, &wall);
    struct rtcp_own own = {.ssrc = port->out.ssrc, .sender = port->out.packets > 0, .bye = bye};
    own.ntp_seconds = (uint32_t)wall.tv_sec + NTP_TO_UNIX;
    own.ntp_fraction = (uint32_t)(((uint64_t)wall.tv_nsec << 32) / 1000000000u);
    own.rtp_time = port_timestamp(port, engine->now);
    own.packets = (uint32_t)port->out.packets;
    own.octets = (uint32_t)port->out.octets;
    if (port->in.started)
        reception_block(engine, &port->in, &own);
    size_t size = rtcp_write(packet, &own);
    if (port->protect && !(size = crypto_protect_report(port->protect, packet, size, protected)))
        return;
    (void)sendto(port->rtcp.fd, port->protect ? protected : packet, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, address_size(&to));
}

/* --- RTCP in --- */
static bool from_the_party(const struct port *port, const union address *from)
{
    const union address *party = port_destination(port);
    return address_known(party) && address_same_host(party, from);
}

void port_rtcp(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from)
{
    struct rtcp_report report;
    if (port_is_secure(port) && from_the_party(port, from) && !port_unprotect_report(engine, port, data, &size))
        return;
    if (!rtcp_parse(data, size, port->out.ssrc, &report)) {
        engine->figures.invalid++;
        return;
    }
    if (!from_the_party(port, from)) {
        port->in.strangers++;
        return;
    }
    /* Where its reports come from is where ours reach it (symmetric RTCP, RFC 4961). */
    port->rule.rtcp = *from;
    port->in.heard = engine->now;
    port->silent_told = false;
    if (report.about_us)
        codec_report_loss(port->codecs, report.fraction_lost * 100 / 256);
    if (report.sender) {
        port->in.sr_middle = report.ntp_seconds << 16 | report.ntp_fraction >> 16;
        port->in.sr_arrival = engine->now;
    }
}

/* --- turns --- */
static void check_silence(hk_engine *engine, struct port *port)
{
    if (!port->config.timeout || port->silent_told || !port->config.receiving || !address_known(&port->config.remote))
        return;
    int64_t since = port->in.heard > port->expecting ? port->in.heard : port->expecting;
    if (engine->now - since < port->config.timeout)
        return;
    struct hk_event event = {.kind = HK_PORT_SILENT, .id = port->object.id};
    event.seconds = (double)(engine->now - since) / 1e9;
    port->silent_told = true;
    tell(engine, &engine->from_engine, &event);
    engine->events_new = true;
}

void port_turn(hk_engine *engine, struct port *port)
{
    port->twin_turns += address_known(&port->twin_to);
    check_silence(engine, port);
    if (++port->turns % REPORT_TURNS != 0)
        return;
    if (port->told_packets != port->in.packets + port->in.strangers + port->in.unauthentic || port->told_sent != port->out.packets)
        stats(engine, port, false);
    send_rtcp(engine, port, false);
}

void port_farewell(hk_engine *engine, struct port *port)
{
    send_rtcp(engine, port, true);
    stats(engine, port, true);
}
