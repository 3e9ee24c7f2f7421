/* What a port receives, on its way into recordings: decoded once for all of them, in the order it was spoken.
 *
 * A decoder must not meet a packet after the one that overtook it, and a hole is filled only once nothing can come for
 * it any more: the fast one waits a moment. A recording has that time: its blocks stay open for LATENESS, and where a
 * sound belongs is reckoned from the moment its packet came. */
#include <string.h>

#include "codec.h"
#include "conceal.h"
#include "core.h"
#include "list.h"
#include "order.h"
#include "port.h"
#include "recorder.h"
#include "units.h"

enum {
    MISORDER = 100, /* packets; more is a leap of the sender */
    MADE_UP = 480   /* 1/8000 s: more than that is silence */
};
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

static void lay_down(hk_engine *engine, struct port *port, const struct said *said)
{
    LIST_EACH (at, &port->taps)
        recorder_hear(engine, CONTAINER(at, struct tap, of_port), said);
}

/* --- holes --- */
/* The newest samples, for concealment to go on from. */
static void keep(struct order *order, struct order_memory *memory, const int16_t *samples, int n)
{
    int part = n < ORDER_HEARD ? n : ORDER_HEARD, kept = order->heard < ORDER_HEARD - part ? order->heard : ORDER_HEARD - part;
    memmove(memory->heard, memory->heard + order->heard - kept, (size_t)kept * sizeof *samples);
    memcpy(memory->heard + kept, samples + n - part, (size_t)part * sizeof *samples);
    order->heard = kept + part;
}

/* What is missing before this packet, by its copy in it where there is one; gives how many samples. */
static int make_up(struct codecs *codecs, const struct order_slot *slot, const uint8_t *payload, int16_t *out, int n)
{
    struct order *order = &codecs->order;
    struct order_memory *memory = codecs->order_memory;
    int made = 0, whole = order->rate / 50;
    if (slot->codec == HK_OPUS) {
        for (; n - made > whole; made += whole)
            if (codec_opus_missing_tap(codecs, NULL, 0, out + made, whole) != whole)
                return 0;
        int rest = codec_opus_missing_tap(codecs, payload, slot->size, out + made, n - made);
        return rest == n - made ? n : 0;
    }
    if (!memory->hole.on)
        conceal_begin(&memory->hole, order->rate, memory->heard + order->heard, order->heard);
    conceal(&memory->hole, out, n);
    return n;
}

/* Lost packets between the last one and this; in a pause that the sender made nothing is missing. */
static void fill(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    struct order *order = &port->codecs->order;
    int16_t samples[MADE_UP * 2];
    int32_t gap = (int32_t)(slot->timestamp - order->end);
    if (!order->rate || gap <= 0 || gap > MADE_UP || slot->sequence == (uint16_t)(order->last + 1))
        return;
    int n = make_up(port->codecs, slot, payload, samples, gap * (order->rate / 8000));
    int64_t lasts = codec_duration(slot->codec, slot->units, payload, slot->size) / slot->units * NS_PER_SAMPLE;
    struct said said = {slot->stream, order->end, engine->now - slot->came + lasts, samples, n, order->rate};
    if (n == 0)
        return;
    keep(order, port->codecs->order_memory, samples, n);
    lay_down(engine, port, &said);
}

static void decode(hk_engine *engine, struct port *port, const struct order_slot *slot, const uint8_t *payload)
{
    struct order *order = &port->codecs->order;
    struct concealment *hole = &port->codecs->order_memory->hole;
    int16_t samples[CODEC_TAP];
    int rate = port->tap_rate;
    fill(engine, port, slot, payload);
    int n = codec_decode_tap(port->codecs, slot->codec, slot->units, &rate, payload, slot->size, samples);
    struct said said = {slot->stream, slot->timestamp, engine->now - slot->came, samples, n, rate};
    if (n <= 0)
        return;
    if (rate != order->rate) {
        order->heard = 0;
        hole->on = false;
    } else if (hole->on) {
        conceal_join(hole, samples, n);
    }
    order->rate = rate;
    order->end = slot->timestamp + (uint32_t)(n / (rate / 8000));
    keep(order, port->codecs->order_memory, samples, n);
    lay_down(engine, port, &said);
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
        decode(engine, port, slot, payload);
    port->codecs->order.last = slot->sequence;
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
        pass(engine, port, &order->slots[first], port->codecs->order_memory->waiting[first]);
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
    memcpy(port->codecs->order_memory->waiting[free], payload, slot->size);
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
        order->last = (uint16_t)(slot->sequence - 1); /* nothing is missing before a new timeline */
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
    if (port->codecs)
        in_order(engine, port, &slot, payload);
}
