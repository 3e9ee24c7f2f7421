/* What a port receives, on its way into recordings: decoded once for all of them, in the order it was spoken.
 *
 * G.711 and L16 are laid into the file as they come. A decoder with a memory (G.722, Opus) must not meet a packet after
 * the one that overtook it: the fast one waits a moment. A recording has that time: its blocks stay open for LATENESS,
 * and where a sound belongs is reckoned from the moment its packet came. */
#include <string.h>

#include "internal.h"

enum { MISORDER = 100 }; /* packets; more is a leap of the sender */
#define ORDER_NS (NS_PER_SECOND / 10)

/* The packet's timestamp at 8 kHz: another clock's wraps around at another place. */
static uint32_t tap_time(struct reception *in, uint32_t timestamp)
{
    if (in->units == 1)
        return timestamp;
    int32_t moved = (int32_t)(timestamp - in->tap_from) / in->units;
    in->tap_from += (uint32_t)(moved * in->units);
    in->tap_at += (uint32_t)moved;
    return in->tap_at;
}

static void lay_down(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    int16_t samples[CODEC_TAP];
    int rate = port->tap_rate;
    int n = codec_decode_tap(port->codecs, slot->codec, slot->units, &rate, payload, slot->size, samples);
    struct said said = {slot->stream, slot->timestamp, engine->now - slot->came, samples, n, rate};
    LIST_EACH (at, &port->taps)
        if (n > 0)
            recorder_hear(engine, CONTAINER(at, struct tap, of_port), &said);
}

/* --- those that wait --- */
/* The one that was sent first, of those that wait. */
static int first_of(const struct order *order)
{
    int first = -1;
    for (int i = 0; i < ORDER_SLOTS; i++)
        if (order->slots[i].used &&
            (first < 0 || (int16_t)(order->slots[i].sequence - order->slots[first].sequence) < 0))
            first = i;
    return first;
}

/* Since when somebody waits. */
static int64_t waiting_since(const struct order *order)
{
    int64_t since = INT64_MAX;
    for (int i = 0; i < ORDER_SLOTS; i++)
        if (order->slots[i].used && order->slots[i].came < since)
            since = order->slots[i].came;
    return since;
}

static void pass(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    port->codecs->order.next = (uint16_t)(slot->sequence + 1);
    if (slot->size > 0)
        lay_down(engine, port, slot, payload);
}

/* Those whose turn it is; `missing`: what the first of them waits for is given up. */
static void go_on(hk_engine *engine, struct port *port, bool missing)
{
    struct order *order = &port->codecs->order;
    for (; order->waiting > 0; missing = false) {
        int first = first_of(order);
        if (!missing && order->slots[first].sequence != order->next)
            return;
        order->slots[first].used = false;
        order->waiting--;
        pass(engine, port, &order->slots[first], port->codecs->waiting[first]);
    }
}

void tap_flush(hk_engine *engine, struct port *port)
{
    while (port->codecs && port->codecs->order.waiting > 0)
        go_on(engine, port, true);
}

static void give_up(hk_engine *engine, struct port *port)
{
    struct order *order = &port->codecs->order;
    while (order->waiting > 0 && engine->now - waiting_since(order) >= ORDER_NS)
        go_on(engine, port, true);
}

void tap_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->overtaking) {
        struct port *port = CONTAINER(at, struct port, overtaking);
        give_up(engine, port);
        if (port->codecs->order.waiting == 0)
            list_del(&port->overtaking);
    }
}

static void wait(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    struct order *order = &port->codecs->order;
    int free = 0;
    while (free < ORDER_SLOTS && order->slots[free].used)
        free++;
    if (free == ORDER_SLOTS)
        return; /* cannot be: in_order() has made room */
    order->slots[free] = *slot;
    order->slots[free].used = true;
    memcpy(port->codecs->waiting[free], payload, slot->size);
    order->waiting++;
    if (list_empty(&port->overtaking))
        list_add(&engine->overtaking, &port->overtaking);
}

static int ahead_of(const struct order *order, const struct order_slot *slot)
{
    return (int16_t)(slot->sequence - order->next);
}

static void in_order(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    struct order *order = &port->codecs->order;
    int ahead = ahead_of(order, slot);
    if (order->stream != slot->stream || ahead > MISORDER || ahead < -MISORDER) {
        tap_flush(engine, port);
        order->stream = slot->stream;
        order->next = slot->sequence;
    }
    give_up(engine, port);
    bool fits = slot->size <= ORDER_LARGEST;
    while (ahead_of(order, slot) > 0 && (order->waiting == ORDER_SLOTS || (order->waiting > 0 && !fits))) {
        if ((int16_t)(slot->sequence - order->slots[first_of(order)].sequence) < 0)
            break;
        go_on(engine, port, true);
    }
    if (ahead_of(order, slot) < 0)
        return; /* nobody waited so long for it */
    if (ahead_of(order, slot) > 0 && fits && order->waiting < ORDER_SLOTS) {
        wait(engine, port, slot, payload);
    } else {
        pass(engine, port, slot, payload);
        go_on(engine, port, false);
    }
}

void tap_begin(struct port *port)
{
    if (port->codecs)
        memset(&port->codecs->order, 0, sizeof port->codecs->order);
}

void tap_hear(hk_engine *engine, struct port *port, const struct rtp_packet *packet, const uint8_t *payload,
              uint8_t codec)
{
    bool audio = codec != HK_EVENTS && codec != HK_CN;
    struct order_slot slot = {.codec = codec,
                              .units = port->in.units,
                              .sequence = packet->sequence,
                              .size = (uint16_t)(audio ? packet->length : 0),
                              .stream = port->in.stream,
                              .came = engine->now};
    if (audio)
        slot.timestamp = tap_time(&port->in, packet->timestamp);
    if (port->codecs && codec_remembers(port->in.codec))
        in_order(engine, port, &slot, payload);
    else if (audio)
        lay_down(engine, port, &slot, payload);
}
