/* Once a second for each port: has it fallen silent? Every five: statistics. Now and then: RTCP to the other side. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "codec.h"
#include "core.h"
#include "list.h"
#include "playout.h"
#include "port.h"
#include "quality.h"
#include "receive.h"
#include "report.h"
#include "rtcp.h"
#include "send.h"
#include "srtp.h"
#include "units.h"

enum { NTP_TO_UNIX = 2208988800u };

/* --- statistics --- */
static bool played_out(const struct port *port) { return port->mixed_listeners > 0; }

/* Packets that came too late for their place in the playout, which forgets them with each stream. */
static uint64_t late(struct port *port)
{
    struct reception *in = &port->in;
    uint32_t now = port->playout.late;
    if (played_out(port))
        in->late += now >= in->late_told ? now - in->late_told : now, in->late_told = now;
    return in->late;
}

static void sent_figures(const struct port *port, struct hk_event *event)
{
    const struct reports *reports = &port->reports;
    const struct voip_metrics *metrics = &reports->metrics;
    event->round_trip_ms = reports->round_trip < 0 ? -1 : (double)reports->round_trip / 1e6;
    event->reports = reports->about_us;
    event->sent_fraction = reports->fraction_lost / 256.0;
    event->sent_lost = reports->lost;
    event->sent_jitter_ms = reports->jitter / 8.0 / port->config.send_units;
    event->sent_discarded = event->sent_delay_ms = -1;
    if (!reports->metrics_known)
        return;
    event->sent_discarded = metrics->discard_rate / 256.0;
    if (metrics->end_system_delay || metrics->buffer_nominal)
        event->sent_delay_ms = metrics->end_system_delay > metrics->buffer_nominal ? metrics->end_system_delay
                                                                                   : metrics->buffer_nominal;
    uint8_t mos = metrics->mos_conversational <= 50 ? metrics->mos_conversational : metrics->mos_listening;
    event->sent_mos = mos >= 10 && mos <= 50 ? mos / 10.0 : 0;
}

static void stats(hk_engine *engine, struct port *port, bool final)
{
    const struct reception *in = &port->in;
    struct hk_event event = {.kind = HK_PORT_STATS, .id = port->object.id, .final = final};
    event.packets = in->packets;
    event.bytes = in->bytes;
    event.lost = port_lost(in);
    event.expected = port_expected(in);
    event.late = late(port);
    event.decided = in->quality.decided;
    event.gone = in->quality.lost;
    event.runs = in->quality.runs;
    event.strangers = in->strangers;
    event.unauthentic = in->unauthentic;
    event.repeated = in->repeated;
    event.sent = port->out.packets;
    event.level = in->loudest < 0 ? -127 : 10 * log10(((double)in->loudest + 1) / (1 << 30));
    port->in.loudest = -1;
    event.jitter_ms = in->jitter_16 / 16.0 / 8.0 / (in->units ? in->units : 1);
    event.playout_ms = played_out(port) ? (double)playout_target(&port->playout) / 1e6 : -1;
    event.codec = in->codec;
    event.last_heard = in->heard ? (double)(engine->now - in->heard) / 1e9 : -1;
    if (port->rule.locked) {
        address_text(&port->rule.locked_to, event.source_host, sizeof event.source_host);
        event.source_port = address_port(&port->rule.locked_to);
    }
    sent_figures(port, &event);
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
    bool known = in->sr_middle && in->sr_ssrc == in->ssrc;
    in->expected_prior = expected;
    in->received_prior = received;
    in->reported = in->packets;
    own->heard = true;
    own->source = in->ssrc;
    own->fraction_lost = (uint8_t)(interval <= 0 || lost <= 0 ? 0 : (lost << 8) / interval > 255 ? 255 : (lost << 8) / interval);
    own->lost = (int32_t)(expected - received);
    own->highest = in->cycles | in->highest;
    own->jitter = in->jitter_16 >> 4;
    own->last_sr = known ? in->sr_middle : 0;
    own->delay = known ? (uint32_t)((engine->now - in->sr_arrival) * 65536 / NS_PER_SECOND) : 0;
}

static void own_metrics(struct port *port, struct voip_metrics *metrics)
{
    const struct reception *in = &port->in;
    uint64_t expected = port_expected(in), discarded = late(port) * 256;
    quality_metrics(&in->quality, port->config.frame / 8, metrics);
    metrics->discard_rate = expected ? (uint8_t)(discarded / expected > 255 ? 255 : discarded / expected) : 0;
    metrics->round_trip = port->reports.round_trip < 0 ? 0 : (uint16_t)(port->reports.round_trip / 1000000);
    metrics->mos_listening = metrics->mos_conversational = METRIC_UNKNOWN;
    if (!played_out(port))
        return;
    int64_t delay = playout_target(&port->playout) / 1000000;
    metrics->config = CONCEALMENT_STANDARD | BUFFER_ADAPTIVE;
    metrics->buffer_nominal = metrics->buffer_maximum = metrics->end_system_delay = (uint16_t)delay;
    metrics->buffer_absolute = (uint16_t)(delay > 500 ? delay : 500);
}

/* What a report of theirs will name as the last SR: our time of the wall, 16.16 bits. Its own time is kept beside it, so
 * that neither a clock that is set nor a party that makes numbers up counts as delay. */
static void note_sender_report(const hk_engine *engine, struct reports *reports, const struct rtcp_own *own)
{
    unsigned place = reports->sender_count++ % (sizeof reports->senders / sizeof *reports->senders);
    reports->senders[place].middle = own->ntp_seconds << 16 | own->ntp_fraction >> 16;
    reports->senders[place].at = engine->now;
}

static union address rtcp_destination(const struct port *port)
{
    union address to = *port_destination(port);
    if (address_known(&port->rule.rtcp))
        return port->rule.rtcp;
    /* An address of its own in the SDP; behind a translation of addresses it is as wrong as the other one. */
    if (address_known(&port->config.remote_rtcp) && address_same_host(&to, &port->config.remote))
        return port->config.remote_rtcp;
    if (!port->config.rtcp_mux)
        address_set_port(&to, (uint16_t)(address_port(&to) + 1));
    return to;
}

static void send_rtcp(hk_engine *engine, struct port *port, bool bye)
{
    uint8_t packet[RTCP_LARGEST], protected[RTCP_LARGEST + CRYPTO_TRAILER];
    struct timespec wall;
    struct reports *reports = &port->reports;
    struct voip_metrics metrics = {0};
    if (!address_known(&port->config.remote))
        return;
    union address to = rtcp_destination(port);
    clock_gettime(CLOCK_REALTIME, &wall);
    struct rtcp_own own = {.ssrc = port->out.ssrc, .bye = bye};
    /* A sender is who sent since the report before the last one (section 6.4). */
    own.sender = port->out.packets != reports->sent_before;
    reports->sent_before = reports->sent_then;
    reports->sent_then = port->out.packets;
    own.ntp_seconds = (uint32_t)wall.tv_sec + NTP_TO_UNIX;
    own.ntp_fraction = (uint32_t)(((uint64_t)wall.tv_nsec << 32) / 1000000000u);
    own.rtp_time = port_timestamp(port, engine->now);
    own.packets = (uint32_t)port->out.packets;
    own.octets = (uint32_t)port->out.octets;
    memcpy(own.cname, reports->cname, CNAME);
    if (port->in.started && port->in.packets != port->in.reported)
        reception_block(engine, &port->in, &own);
    if (port->in.started && (port->config.sends_metrics || reports->metrics_wanted)) {
        own_metrics(port, &metrics);
        own.source = port->in.ssrc;
        own.metrics = &metrics;
    }
    if (own.sender)
        note_sender_report(engine, reports, &own);
    size_t size = rtcp_write(packet, &own);
    if (port->protect && !(size = crypto_protect_report(port->protect, packet, size, protected)))
        return;
    int fd = port->config.rtcp_mux ? port->rtp.fd : port->rtcp.fd;
    const uint8_t *out = port->protect ? protected : packet;
    (void)sendto(fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, address_size(&to));
}

/* --- when (RFC 3550 section 6.2): two members, far below the session's share of bandwidth, so that the least interval
 * holds: 5 s, half of it before the first report, times 0.5 to 1.5 by chance, over e - 3/2. Each port stands in the slot
 * of the tick in which it is due. --- */
static int64_t interval(hk_engine *engine, bool first)
{
    engine->dice ^= engine->dice >> 12;
    engine->dice ^= engine->dice << 25;
    engine->dice ^= engine->dice >> 27;
    double chance = 0.5 + (double)(engine->dice >> 11) / (double)(UINT64_C(1) << 53);
    return (int64_t)((first ? 2.5e9 : 5e9) * chance / 1.21828);
}

static void schedule(hk_engine *engine, struct port *port, bool first)
{
    int64_t in = interval(engine, first);
    port->reports.due = engine->now + in;
    list_del(&port->reports.turn);
    list_add(&engine->reports[(engine->tick + (uint64_t)(in / NS_PER_TICK) + 1) % WHEEL], &port->reports.turn);
}

void report_begin(hk_engine *engine, struct port *port) { schedule(engine, port, true); }

void report_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->reports[engine->tick % WHEEL]) {
        struct port *port = CONTAINER(at, struct port, reports.turn);
        if (engine->now < port->reports.due)
            continue;
        send_rtcp(engine, port, false);
        schedule(engine, port, false);
    }
}

/* --- RTCP in --- */
static bool from_the_party(const struct port *port, const union address *from)
{
    const union address *party = port_destination(port);
    return (address_known(party) && address_same_host(party, from)) ||
           (address_known(&port->config.remote_rtcp) && address_same_host(&port->config.remote_rtcp, from));
}

static void note_round_trip(const hk_engine *engine, struct reports *reports, const struct rtcp_report *report)
{
    for (unsigned i = 0; i < sizeof reports->senders / sizeof *reports->senders; i++) {
        if (!reports->senders[i].at || reports->senders[i].middle != report->last_sr)
            continue;
        int64_t held = (int64_t)((double)report->delay / 65536 * 1e9);
        int64_t trip = engine->now - reports->senders[i].at - held;
        reports->round_trip = trip > 0 ? trip : 0;
    }
}

static void note_report(const hk_engine *engine, struct port *port, const struct rtcp_report *report)
{
    struct reports *reports = &port->reports;
    if (report->about_us) {
        codec_report_loss(port->codecs, report->fraction_lost * 100 / 256);
        reports->about_us++;
        reports->fraction_lost = report->fraction_lost;
        reports->lost = report->lost;
        reports->jitter = report->jitter;
        if (report->last_sr)
            note_round_trip(engine, reports, report);
    }
    if (report->metrics_about_us) {
        reports->metrics = report->metrics;
        reports->metrics_known = reports->metrics_wanted = true;
    }
    if (report->sender) {
        port->in.sr_middle = report->ntp_seconds << 16 | report->ntp_fraction >> 16;
        port->in.sr_ssrc = report->ssrc;
        port->in.sr_arrival = engine->now;
    }
}

void port_rtcp(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from)
{
    struct rtcp_report report;
    if (!from_the_party(port, from)) {
        port->in.strangers++;
        return;
    }
    if (port_is_secure(port) && !port_unprotect_report(engine, port, data, &size))
        return;
    if (!rtcp_parse(data, size, port->out.ssrc, &report)) {
        engine->figures.invalid++;
        return;
    }
    /* Where its reports come from is where ours reach it (symmetric RTCP, RFC 4961). */
    port->rule.rtcp = *from;
    port->in.heard = engine->now;
    port->silent_told = false;
    note_report(engine, port, &report);
    reach_report(engine, port, &report);
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
    watch_turn(engine, port);
    reach_turn(engine, port);
    if (++port->turns % REPORT_TURNS != 0)
        return;
    if (port->told_packets != port->in.packets + port->in.strangers + port->in.unauthentic || port->told_sent != port->out.packets)
        stats(engine, port, false);
}

void port_farewell(hk_engine *engine, struct port *port)
{
    send_rtcp(engine, port, true);
    stats(engine, port, true);
}
