/* Key presses received as telephone-events (RFC 4733): one report for each, whatever is lost or repeated. */
#include <string.h>

#include "core.h"
#include "keys.h"
#include "list.h"
#include "port.h"
#include "rtp.h"

/* Three packets of 50 ms missing: the end was lost. */
#define SILENCE_NS INT64_C(200000000)

static void report(hk_engine *engine, struct port *port)
{
    struct key *key = &port->key;
    char digit = telephone_event_digit(key->event);
    key->reported = true;
    list_del(&port->keys);
    press_release(engine, port);
    if (!digit)
        return;
    uint64_t samples = (uint64_t)key->before + key->duration;
    struct hk_event event = {.kind = HK_DIGIT, .id = port->object.id, .digit = digit};
    event.milliseconds = (int32_t)(samples / (8u * key->units));
    tell(engine, &engine->from_engine, &event);
    engine->events_new = true;
}

static bool same_press(const struct key *key, const struct rtp_packet *packet)
{
    return key->active && key->ssrc == packet->ssrc && key->timestamp == packet->timestamp;
}

/* A long press goes on in a segment that starts exactly where the one before it ended (section 2.5.1.3). */
static bool next_segment(const struct key *key, const struct rtp_packet *packet, const struct telephone_event *event)
{
    return key->active && !key->reported && key->ssrc == packet->ssrc && key->event == event->event &&
           key->duration > 0 && key->timestamp + key->duration == packet->timestamp;
}

void key_event(hk_engine *engine, struct port *port, const struct rtp_packet *packet, uint8_t units, const uint8_t *data)
{
    struct key *key = &port->key;
    struct telephone_event event;
    if (!telephone_event_parse(data + packet->start, packet->length, &event))
        return;
    if (next_segment(key, packet, &event)) {
        key->before += key->duration;
        key->timestamp = packet->timestamp;
        key->duration = 0;
    } else if (!same_press(key, packet)) {
        if (key->active && key->ssrc == packet->ssrc && (int32_t)(packet->timestamp - key->timestamp) < 0)
            return; /* a straggler of an earlier press */
        if (key->active && !key->reported)
            report(engine, port);
        *key = (struct key){
            .active = true, .event = event.event, .units = units, .timestamp = packet->timestamp, .ssrc = packet->ssrc};
        list_del(&port->keys);
        list_add(&engine->keys, &port->keys);
        press_relay(engine, port, event.event);
    }
    key->at = engine->now;
    if (event.duration > key->duration)
        key->duration = event.duration;
    if (event.end && !key->reported)
        report(engine, port);
}

void key_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->keys) {
        struct port *port = CONTAINER(at, struct port, keys);
        if (engine->now - port->key.at > SILENCE_NS)
            report(engine, port);
    }
}
