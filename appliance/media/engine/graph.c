/* Who hears whom and who is recorded: links and taps tied to the ports and players they name by id. */
#include "internal.h"

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
static void tie_link(hk_engine *engine, struct link *link)
{
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
    if (link->listener && link->source)
        list_del(&link->waiting);
    else if (list_empty(&link->waiting))
        list_add(&engine->waiting_links, &link->waiting);
    touch(engine, link->listener ? &link->listener->object : NULL);
    touch(engine, link->source);
}

void graph_add_mix(hk_engine *engine, struct mix *mix)
{
    for (uint32_t i = 0; i < mix->count; i++)
        tie_link(engine, &mix->links[i]);
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
        tap->port = (struct port *)object;
        list_add(&tap->port->taps, &tap->of_port);
    } else if (list_empty(&tap->waiting)) {
        list_add(&engine->waiting_taps, &tap->waiting);
    }
}

void graph_add_taps(hk_engine *engine, struct tap *taps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tie_tap(engine, &taps[i]);
}

void graph_remove_taps(struct tap *taps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list_del(&taps[i].of_port);
        list_del(&taps[i].waiting);
        taps[i].port = NULL;
    }
}

void graph_inherit_taps(struct tap *to, uint32_t to_count, const struct tap *from, uint32_t from_count)
{
    for (uint32_t i = 0; i < to_count; i++)
        for (uint32_t j = 0; j < from_count; j++)
            if (to[i].port_id == from[j].port_id && to[i].right == from[j].right)
                to[i].align = from[j].align;
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
}

static void wait_again(hk_engine *engine, struct link *link)
{
    if (list_empty(&link->waiting))
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
    LIST_EACH (at, &((struct port *)object)->taps) {
        struct tap *tap = CONTAINER(at, struct tap, of_port);
        list_del(&tap->of_port);
        tap->port = NULL;
        list_add(&engine->waiting_taps, &tap->waiting);
    }
}

/* --- how each port gets what it hears --- */
static enum hearing hearing_of(const struct port *port)
{
    int sources = 0;
    bool plain = true;
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        if (!link->source || link->gain == 0)
            continue;
        sources++;
        plain = plain && link->source->kind == PORT && link->gain == GAIN_ONE;
    }
    return sources == 0 ? HEARS_NOTHING : sources == 1 && plain ? HEARS_ONE : HEARS_MIX;
}

static void settle_listener(hk_engine *engine, struct port *port)
{
    enum hearing hearing = hearing_of(port);
    if (hearing == port->hearing)
        return;
    port->hearing = hearing;
    port->pending_size = 0;
    port->out.mixing = false;
    port->out.from_stream = 0;
    list_del(&port->mixed);
    if (hearing == HEARS_MIX)
        list_add(&engine->mixed, &port->mixed);
    LIST_EACH (at, &port->hears)
        touch(engine, CONTAINER(at, struct link, of_listener)->source);
}

static void settle_source(struct port *port)
{
    int listeners = 0;
    LIST_EACH (at, &port->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        listeners += link->listener && link->gain > 0 && link->listener->hearing == HEARS_MIX;
    }
    if (port->mixed_listeners == 0 && listeners > 0)
        jitter_reset(&port->jitter);
    port->mixed_listeners = listeners;
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
