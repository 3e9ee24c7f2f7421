/* Keys that we send, as telephone-events (RFC 4733) or as tones (ITU-T Q.23): keys of our own row, and those of a party
 * whose packets cannot be passed on as they are, because its listener hears a mix, counts on another clock, or has the
 * other of the two ways. */
#include <math.h>
#include <string.h>

#include "core.h"
#include "graph.h"
#include "keys.h"
#include "list.h"
#include "port.h"
#include "rtp.h"
#include "send.h"
#include "units.h"

/* Ticks: of a key of ours (as a tone longer: G.722 takes some of it to adapt); at least; at most, when nobody lets go;
 * between two keys. */
enum { LENGTH = 5, TONE_LENGTH = 7, LEAST = 2, LONGEST = 500, PAUSE = 3, END_PACKETS = 3, VOLUME = 10, LONGEST_SEGMENT = 0xffff };

static void enlist(hk_engine *engine, struct port *port)
{
    if (list_empty(&port->press.all))
        list_add(&engine->pressing, &port->press.all);
}

static void begin(hk_engine *engine, struct port *port, uint8_t event, const struct port *from)
{
    struct press *press = &port->press;
    if (!port->config.sends_events && !telephone_event_digit(event))
        return; /* a hook flash has no tone */
    press->active = port->out.pressing = true;
    press->tones = !port->config.sends_events;
    press->phase = 0;
    if (press->tones)
        port->pending_size = 0;
    press->event = event;
    press->ends = 0;
    press->held = from != NULL;
    press->from = from;
    press->timestamp = port_timestamp(port, engine->now);
    press->duration = 0;
    press->left = from ? LEAST : press->tones ? TONE_LENGTH : LENGTH;
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

static bool presses(const struct port *port)
{
    return port_can_send(port) && (port->config.sends_events || port->config.sends_tones);
}

/* Whether what `to` gets of `from` leaves the telephone-event out. */
static bool left_out(const struct port *to, const struct port *from)
{
    return to->hearing == HEARS_MIX || !to->config.sends_events || to->config.events_units != from->key.units;
}

void press_relay(hk_engine *engine, const struct port *from, uint8_t event)
{
    LIST_EACH (at, &from->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        struct port *to = link->listener;
        if (to && to != from && link->gain > 0 && presses(to) && !to->press.active && left_out(to, from))
            begin(engine, to, event, from);
    }
}

void press_relay_tone(hk_engine *engine, const struct port *from, uint8_t event)
{
    LIST_EACH (at, &from->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        struct port *to = link->listener;
        if (to && to != from && link->gain > 0 && presses(to) && !to->press.active && to->config.sends_events)
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

/* Two tones at -10 and -9 dBm0, the higher one a little louder since lines carry it less well; full scale is +3.14 dBm0
 * (G.711). */
static void send_tones(hk_engine *engine, struct port *port)
{
    static const double low[] = {697, 770, 852, 941}, high[] = {1209, 1336, 1477, 1633};
    static const char keys[] = "123A456B789C*0#D";
    struct press *press = &port->press;
    int16_t samples[LARGEST_FRAME];
    int rate = port_tone_rate(port), n = rate / TICKS;
    int place = (int)(strchr(keys, telephone_event_digit(press->event)) - keys);
    double first = 6.283185307 * low[place / 4] / rate, second = 6.283185307 * high[place % 4] / rate;
    for (int i = 0; i < n; i++, press->phase++)
        samples[i] = (int16_t)(7245 * sin(first * press->phase) + 8120 * sin(second * press->phase));
    port_send_tone(engine, port, samples, rate);
}

static void go_on_tones(hk_engine *engine, struct port *port)
{
    struct press *press = &port->press;
    send_tones(engine, port);
    press->left -= press->left > 0;
    if ((press->held || press->left > 0) && press->phase < (uint32_t)LONGEST * LARGEST_FRAME)
        return;
    press->active = port->out.pressing = false;
    press->from = NULL;
    press->pause = PAUSE;
    port->pending_size = 0;
}

static void go_on(hk_engine *engine, struct port *port)
{
    struct press *press = &port->press;
    if (press->tones) {
        go_on_tones(engine, port);
        return;
    }
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
        if (!presses(port) || (press->active && press->tones == port->config.sends_events)) {
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
