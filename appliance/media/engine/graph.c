/* Who hears whom and who is recorded: links and taps tied to the ports and players they name by id. */
#include "codec.h"
#include "core.h"
#include "detector.h"
#include "graph.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "playout.h"
#include "port.h"
#include "recorder.h"
#include "units.h"

static struct node *listeners_of(struct object *source)
{
    return source->kind == PORT ? &((struct port *)source)->heard_by : &((struct player *)source)->heard_by;
}

static void touch(hk_engine *engine, struct object *object)
{
    struct port *port = (struct port *)object;
    if (object && object->kind == PORT && list_empty(&port->dirty))
        list_add(&engine->dirty, &port->dirty);
}

/* --- links --- */
/* What its listener heard of its source until now goes on from there. */
static void inherit_level(struct link *link)
{
    LIST_EACH (at, &link->listener->hears) {
        struct link *other = CONTAINER(at, struct link, of_listener);
        if (other != link && other->leaving && other->source == link->source) {
            link->level = other->level;
            other->level = 0;
        }
    }
    /* A prompt begins with its own beginning; only what was there before is faded. */
    if (link->source->kind == PLAYER && link->listener->hearing != HEARS_MIX)
        link->level = link->gain;
}

static void tie_link(hk_engine *engine, struct link *link)
{
    if (link->leaving)
        return;
    if (!link->listener) {
        struct object *listener = find_object(engine, link->listener_id);
        if (listener && listener->kind == PORT) {
            link->listener = (struct port *)listener;
            list_add(&link->listener->hears, &link->of_listener);
        }
    }
    if (!link->source) {
        struct object *source = find_object(engine, link->source_id);
        if (source && (source->kind == PORT || source->kind == PLAYER)) {
            link->source = source;
            list_add(listeners_of(source), &link->of_source);
        }
    }
    if (link->listener && link->source) {
        list_del(&link->waiting);
        inherit_level(link);
    } else if (list_empty(&link->waiting)) {
        list_add(&engine->waiting_links, &link->waiting);
    }
    touch(engine, link->listener ? &link->listener->object : NULL);
    touch(engine, link->source);
}

void graph_add_mix(hk_engine *engine, struct mix *mix)
{
    for (uint32_t i = 0; i < mix->count; i++)
        tie_link(engine, &mix->links[i]);
}

void graph_fade_mix(hk_engine *engine, struct mix *mix)
{
    for (uint32_t i = 0; i < mix->count; i++) {
        struct link *link = &mix->links[i];
        link->leaving = true;
        link->gain = 0;
        list_del(&link->waiting);
        touch(engine, link->listener ? &link->listener->object : NULL);
        touch(engine, link->source);
    }
}

void graph_remove_mix(hk_engine *engine, struct mix *mix)
{
    for (uint32_t i = 0; i < mix->count; i++) {
        struct link *link = &mix->links[i];
        touch(engine, link->listener ? &link->listener->object : NULL);
        touch(engine, link->source);
        list_del(&link->of_listener);
        list_del(&link->of_source);
        list_del(&link->waiting);
    }
}

/* --- taps --- */
static void tie_tap(hk_engine *engine, struct tap *tap)
{
    struct object *object = find_object(engine, tap->port_id);
    if (object && object->kind == PORT) {
        list_del(&tap->waiting);
        struct port *port = tap->port = (struct port *)object;
        int rate = 8000 * tap->recorder->scale;
        port->tap_rate = list_empty(&port->taps) || rate > port->tap_rate ? rate : port->tap_rate;
        if (list_empty(&port->taps))
            tap_begin(port);
        list_add(&port->taps, &tap->of_port);
    } else if (list_empty(&tap->waiting)) {
        list_add(&engine->waiting_taps, &tap->waiting);
    }
}

void graph_add_taps(hk_engine *engine, struct tap *taps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tie_tap(engine, &taps[i]);
}

void graph_remove_taps(hk_engine *engine, struct tap *taps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (taps[i].port)
            tap_flush(engine, taps[i].port);
        list_del(&taps[i].of_port);
        list_del(&taps[i].waiting);
        taps[i].port = NULL;
    }
}

void graph_inherit_taps(struct tap *to, uint32_t to_count, const struct tap *from, uint32_t from_count)
{
    for (uint32_t i = 0; i < to_count; i++)
        for (uint32_t j = 0; j < from_count; j++)
            if (to[i].port_id == from[j].port_id && to[i].right == from[j].right) {
                to[i].align = from[j].align;
                to[i].resampler = from[j].resampler;
            }
}

/* --- things that come and go --- */
void graph_tie(hk_engine *engine, struct object *object)
{
    LIST_EACH (at, &engine->waiting_links) {
        struct link *link = CONTAINER(at, struct link, waiting);
        if (link->listener_id == object->id || link->source_id == object->id)
            tie_link(engine, link);
    }
    LIST_EACH (at, &engine->waiting_taps) {
        struct tap *tap = CONTAINER(at, struct tap, waiting);
        if (tap->port_id == object->id)
            tie_tap(engine, tap);
    }
    detect_tie(engine, object->id);
}

static void wait_again(hk_engine *engine, struct link *link)
{
    if (list_empty(&link->waiting) && !link->leaving)
        list_add(&engine->waiting_links, &link->waiting);
}

void graph_untie(hk_engine *engine, struct object *object)
{
    LIST_EACH (at, listeners_of(object)) {
        struct link *link = CONTAINER(at, struct link, of_source);
        list_del(&link->of_source);
        link->source = NULL;
        touch(engine, link->listener ? &link->listener->object : NULL);
        wait_again(engine, link);
    }
    if (object->kind != PORT)
        return;
    LIST_EACH (at, &((struct port *)object)->hears) {
        struct link *link = CONTAINER(at, struct link, of_listener);
        list_del(&link->of_listener);
        link->listener = NULL;
        touch(engine, link->source);
        wait_again(engine, link);
    }
    tap_flush(engine, (struct port *)object);
    LIST_EACH (at, &((struct port *)object)->taps) {
        struct tap *tap = CONTAINER(at, struct tap, of_port);
        list_del(&tap->of_port);
        tap->port = NULL;
        list_add(&engine->waiting_taps, &tap->waiting);
    }
    detect_untie(engine, (struct port *)object);
}

/* --- how each port gets what it hears --- */
static uint8_t codec_expected(const struct port *port, uint8_t *units)
{
    const struct port_config *config = &port->config;
    *units = port->in.codec ? port->in.units : config->send_units;
    return port->in.codec ? port->in.codec : config->send_codec;
}

/* Whether packets of this source can be sent on as they are, or by G.711's tables. */
static bool alike(const struct port *source, const struct port *listener)
{
    uint8_t units, codec = codec_expected(source, &units), wanted = listener->config.send_codec;
    return codec == HK_NONE || wanted == HK_NONE || (codec <= HK_PCMA && wanted <= HK_PCMA) ||
           (codec == wanted && units == listener->config.send_units);
}

int source_rate(const struct object *source)
{
    uint8_t units, codec;
    if (source->kind != PORT)
        return 8000;
    codec = codec_expected((const struct port *)source, &units);
    int rate = codec_rate(codec, units * 8000u);
    return rate ? rate : 8000;
}

/* The rate that this port's mix is made at: that of its codec; of Opus, which takes all, the highest that there is. */
static int mix_rate_of(const struct port *port)
{
    int most = 8000;
    if (port->config.send_codec == HK_NONE)
        return most;
    if (port->config.send_codec != HK_OPUS)
        return codec_rate(port->config.send_codec, port->config.send_units * 8000u);
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        int rate = link->source && link->gain > 0 ? source_rate(link->source) : 0;
        most = rate > most ? rate : most;
    }
    return most;
}

static enum hearing hearing_of(const struct port *port)
{
    int sources = 0, fading = 0;
    bool plain = true;
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        fading += link->source && link->level > 0;
        if (!link->source || link->gain == 0)
            continue;
        sources++;
        plain = plain && link->source->kind == PORT && link->gain == GAIN_ONE &&
                alike((const struct port *)link->source, port);
    }
    if (sources == 0 && fading > 0 && port->hearing == HEARS_MIX)
        return HEARS_MIX; /* until what it heard has faded */
    return sources == 0 ? HEARS_NOTHING : sources == 1 && plain ? HEARS_ONE : HEARS_MIX;
}

/* --- from packets to a mix and back, without a gap --- */
static struct link *hears(const struct port *port, const struct port *source)
{
    LIST_EACH (at, &port->hears) {
        struct link *link = CONTAINER(at, struct link, of_listener);
        if (link->source == &source->object && link->gain > 0)
            return link;
    }
    return NULL;
}

/* Whose packets the port got until now, and hears in the mix too. A source that others hear mixed already is behind its
 * packets by its playout's delay: then there is nothing to go on from; nor is there when one of the two has another codec
 * now, and its packets would be noise to the listener. */
static const struct port *heard_so_far(const struct port *port)
{
    LIST_EACH (at, &port->hears) {
        struct link *link = CONTAINER(at, struct link, of_listener);
        const struct port *source = (const struct port *)link->source;
        if (!source || link->gain == 0 || source->object.kind != PORT || !port->out.from_stream ||
            source->in.stream != port->out.from_stream)
            continue;
        link->level = link->gain;
        return source->mixed_listeners == 0 && alike(source, port) ? source : NULL;
    }
    return NULL;
}

/* Packets are ahead of the mix by the playout's delay: what lies between would be lost, so a pause is waited for. */
static bool awaits_pause(struct port *port)
{
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        if (link->source && link->gain > 0 && link->level > 0 && port->returning >= 0) {
            port->returning += port->returning == 0;
            return true;
        }
    }
    return false;
}

void graph_touch(hk_engine *engine, struct port *port) { touch(engine, &port->object); }

static void settle_listener(hk_engine *engine, struct port *port)
{
    enum hearing hearing = hearing_of(port);
    if (hearing != HEARS_ONE || port->hearing != HEARS_MIX || !awaits_pause(port))
        port->returning = 0;
    else
        hearing = HEARS_MIX;
    if (port->handover && (hearing != HEARS_MIX || !hears(port, port->handover) || !alike(port->handover, port)))
        port->handover = NULL;
    int rate = hearing == HEARS_MIX ? mix_rate_of(port) : port->mix_rate;
    if (rate != port->mix_rate) {
        port->mix_rate = rate;
        port->pending_size = 0;
        LIST_EACH (at, &port->hears)
            touch(engine, CONTAINER(at, struct link, of_listener)->source);
    }
    if (hearing == port->hearing)
        return;
    port->handover = port->hearing == HEARS_ONE && hearing == HEARS_MIX ? heard_so_far(port) : NULL;
    port->handover_ticks = 0;
    port->hearing = hearing;
    port->pending_size = 0;
    port->out.mixing = false;
    if (!port->handover)
        port->out.from_stream = 0;
    list_del(&port->mixed);
    if (hearing == HEARS_MIX)
        list_add(&engine->mixed, &port->mixed);
    LIST_EACH (at, &port->hears)
        touch(engine, CONTAINER(at, struct link, of_listener)->source);
}

static void settle_source(struct port *port)
{
    int listeners = 0, rate = 8000;
    LIST_EACH (at, &port->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        if (!link->listener || (link->gain == 0 && link->level == 0) || link->listener->hearing != HEARS_MIX)
            continue;
        listeners++;
        rate = link->listener->mix_rate > rate ? link->listener->mix_rate : rate;
    }
    if (port->mixed_listeners == 0 && listeners > 0) {
        playout_reset(&port->playout);
        codec_begin_decoding(port->codecs);
        for (int i = 0; i < RATES; i++)
            port->voices[i].tick = UINT64_MAX - 1;
    }
    port->opus_rate = rate;
    port->mixed_listeners = listeners;
}

void graph_touch_listeners(hk_engine *engine, struct port *source)
{
    touch(engine, &source->object);
    LIST_EACH (at, &source->heard_by) {
        struct port *listener = CONTAINER(at, struct link, of_source)->listener;
        touch(engine, listener ? &listener->object : NULL);
    }
}

void graph_settle(hk_engine *engine)
{
    /* What settle_listener() touches comes behind in the list and is met by the same walk. */
    for (struct node *at = engine->dirty.next; at != &engine->dirty; at = at->next)
        settle_listener(engine, CONTAINER(at, struct port, dirty));
    while (!list_empty(&engine->dirty)) {
        struct port *port = CONTAINER(engine->dirty.next, struct port, dirty);
        list_del(&port->dirty);
        settle_source(port);
    }
}
