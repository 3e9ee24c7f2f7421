/* Telephone-events that we send (RFC 4733): keys of our own row, and those of a party whose packets cannot be passed on
 * as they are, because its listener hears a mix or counts on another clock. */
#include <string.h>

#include "internal.h"

/* Ticks: of a key of ours; at least; at most, when nobody lets go; between two keys. */
enum { LENGTH = 5, LEAST = 2, LONGEST = 500, PAUSE = 3, END_PACKETS = 3, VOLUME = 10, LONGEST_SEGMENT = 0xffff };

static void enlist(hk_engine *engine, struct port *port)
{
    if (list_empty(&port->press.all))
        list_add(&engine->pressing, &port->press.all);
}

static void begin(hk_engine *engine, struct port *port, uint8_t event, const struct port *from)
{
    struct press *press = &port->press;
    press->active = port->out.pressing = true;
    press->event = event;
    press->ends = 0;
    press->held = from != NULL;
    press->from = from;
    press->timestamp = port_timestamp(port, engine->now);
    press->duration = 0;
    press->left = from ? LEAST : LENGTH;
    press->pause = 0;
    enlist(engine, port);
}

void press_keys(hk_engine *engine, struct port *port, const char *keys)
{
    struct press *press = &port->press;
    for (; *keys && press->waiting_count < PRESSES; keys++)
        if (telephone_event_code(*keys) >= 0)
            press->waiting[press->waiting_count++] = *keys;
    if (press->waiting_count)
        enlist(engine, port);
}

void press_relay(hk_engine *engine, const struct port *from, uint8_t event)
{
    LIST_EACH (at, &from->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        struct port *to = link->listener;
        if (!to || to == from || link->gain == 0 || !to->config.sends_events || !port_can_send(to) || to->press.active)
            continue;
        if (to->hearing == HEARS_MIX || (to->hearing == HEARS_ONE && to->config.events_units != from->key.units))
            begin(engine, to, event, from);
    }
}

void press_release(hk_engine *engine, const struct port *from)
{
    LIST_EACH (at, &engine->pressing) {
        struct press *press = &CONTAINER(CONTAINER(at, struct press, all), struct port, press)->press;
        if (press->from == from) {
            press->held = false;
            press->from = NULL;
        }
    }
}

void press_forget(hk_engine *engine, struct port *port)
{
    press_release(engine, port);
    list_del(&port->press.all);
    port->press.active = port->out.pressing = false;
    port->press.waiting_count = 0;
}

static void send_update(hk_engine *engine, struct port *port, bool end)
{
    struct press *press = &port->press;
    bool first = press->duration == 0;
    uint32_t step = TICK_SAMPLES * port->config.events_units;
    if (press->ends == 0 && press->duration + step > LONGEST_SEGMENT) { /* section 2.5.1.3 */
        press->timestamp += press->duration / port->config.events_units * port->config.send_units;
        press->duration = 0;
    }
    if (press->ends == 0)
        press->duration += step;
    uint8_t payload[4] = {press->event, (uint8_t)((end ? 0x80 : 0) | VOLUME), (uint8_t)(press->duration >> 8),
                          (uint8_t)press->duration};
    port_send_event(engine, port, first, press->timestamp, payload);
}

static void go_on(hk_engine *engine, struct port *port)
{
    struct press *press = &port->press;
    bool end = press->ends > 0 || (!press->held && press->left <= 1) ||
               press->duration > (uint32_t)LONGEST * TICK_SAMPLES * port->config.events_units;
    send_update(engine, port, end);
    press->left -= press->left > 0;
    if (end && ++press->ends == END_PACKETS) {
        press->active = port->out.pressing = false;
        press->from = NULL;
        press->pause = PAUSE;
    }
}

void press_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->pressing) {
        struct port *port = CONTAINER(CONTAINER(at, struct press, all), struct port, press);
        struct press *press = &port->press;
        if (!port->config.sends_events || !port_can_send(port)) {
            press_forget(engine, port);
        } else if (press->active) {
            go_on(engine, port);
        } else if (press->pause > 0) {
            press->pause--;
        } else if (press->waiting_count > 0) {
            begin(engine, port, (uint8_t)telephone_event_code(press->waiting[0]), NULL);
            memmove(press->waiting, press->waiting + 1, (size_t)--press->waiting_count);
            go_on(engine, port);
        } else {
            list_del(&press->all);
        }
    }
}
