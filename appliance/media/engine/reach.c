/* Whether what we send reaches a party that is in a conversation: the network says so at once (ICMP), the party in its
 * next report (RFC 3550 section 6.4). */
#include "address.h"
#include "core.h"
#include "port.h"
#include "report.h"
#include "send.h"

enum {
    TURN_LEAST = 10, /* packets of ours in a second from which on there is something to receive */
    TURNS = 3,       /* such seconds before a report that knows nothing of us says something */
    BEHIND = 10,     /* packets of more than a second ago that a report does not know */
    ALL_LOST = 250,  /* of 256 */
    DOUBTS = 2,      /* reports of a party that never knew of us: some never do */
    REFUSALS = 2     /* turns in a row: a telephone that changes its port refuses for a moment */
};

static void tell_reach(hk_engine *engine, struct port *port, enum hk_unreached unreached)
{
    struct hk_event event = {.kind = unreached ? HK_PORT_UNREACHED : HK_PORT_REACHED, .id = port->object.id};
    const union address *to = port_destination(port);
    event.unreached = (int32_t)unreached;
    address_text(to, event.source_host, sizeof event.source_host);
    event.source_port = address_port(to);
    port->reach.told = (uint8_t)unreached;
    tell(engine, &engine->from_engine, &event);
    engine->events_new = true;
}

void reach_turn(hk_engine *engine, struct port *port)
{
    struct reach *reach = &port->reach;
    const struct transmission *out = &port->out;
    if (!port->watch.since || !port_can_send(port)) {
        reach->told = reach->doubts = reach->turns = reach->refusals = reach->still = 0;
        return;
    }
    bool sends = (uint16_t)(out->sequence - reach->sequence[0]) >= TURN_LEAST;
    reach->turns = (uint8_t)(!sends ? 0 : reach->turns < TURNS ? reach->turns + 1 : TURNS);
    reach->still += sends && reach->still < TURNS;
    reach->sequence[1] = reach->sequence[0];
    reach->sequence[0] = out->sequence;
    bool refused = out->refused != reach->refused;
    reach->refused = out->refused;
    if (refused && reach->refusals < REFUSALS)
        reach->refusals++;
    else if (!refused && sends)
        reach->refusals = 0;
    if (reach->refusals >= REFUSALS && !reach->told)
        tell_reach(engine, port, HK_REFUSED);
    else if (reach->refusals == 0 && reach->told == HK_REFUSED)
        tell_reach(engine, port, HK_REACHED);
}

/* The newest packet that it knows of went more than a second ago. One who learnt of none while we sent is behind however
 * the numbers compare: they come round after eleven minutes. */
static bool behind(const struct reach *reach, const struct rtcp_report *report)
{
    return reach->still >= TURNS || (int16_t)(reach->sequence[1] - (uint16_t)report->highest) >= BEHIND;
}

void reach_report(hk_engine *engine, struct port *port, const struct rtcp_report *report)
{
    struct reach *reach = &port->reach;
    bool stands = report->about_us && reach->reported && report->highest == reach->highest;
    reach->reported |= report->about_us;
    reach->highest = report->about_us ? report->highest : reach->highest;
    if (report->about_us && !stands)
        reach->still = 0;
    if (reach->turns < TURNS || report->about_others)
        return;
    if (report->about_us && !behind(reach, report)) {
        reach->known = true;
        reach->doubts = 0;
        if (reach->told == HK_NOT_RECEIVED)
            tell_reach(engine, port, HK_REACHED);
        return;
    }
    /* Whose figures never fitted ours must say it in another way, and twice. */
    if (!reach->known && report->about_us && !stands && report->fraction_lost < ALL_LOST)
        return;
    if (!reach->known && ++reach->doubts < DOUBTS)
        return;
    if (!reach->told)
        tell_reach(engine, port, HK_NOT_RECEIVED);
}
