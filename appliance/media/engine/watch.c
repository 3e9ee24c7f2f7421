/* Parties that are in a conversation and not heard: noticed within three seconds, and why. Once a second for each port. */
#include "address.h"
#include "core.h"
#include "graph.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "report.h"

enum {
    PATIENCE = 1900,   /* ms from the turn that found the conversation; that one is at most a second late */
    INTERRUPTIONS = 2, /* after so many returns the party is one that sends nothing while it has nothing to say */
    PAUSES = 2,        /* and so is one that paused so often */
    SILENT_LEVEL = 8   /* G.711 has no smaller step: what stays below carries nothing */
};

static bool hears(const struct port *port, const struct object *source)
{
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        if (link->source == source && link->gain > 0 && !link->leaving)
            return true;
    }
    return false;
}

/* Somebody hears it whom it hears as well. */
static bool in_conversation(const struct port *port)
{
    if (!port->config.receiving || !address_known(&port->config.remote))
        return false;
    LIST_EACH (at, &port->heard_by) {
        const struct link *link = CONTAINER(at, struct link, of_source);
        if (link->listener && link->listener != port && link->gain > 0 && !link->leaving &&
            hears(port, &link->listener->object))
            return true;
    }
    return false;
}

static void begin(struct watch *watch, const struct reception *in, int64_t now)
{
    watch->since = now;
    watch->packets = in->packets;
    watch->unknown = in->unknown;
    watch->malformed = in->malformed;
    watch->unauthentic = in->unauthentic;
    watch->unaccepted = watch->strangers;
}

static enum hk_unheard reason(const struct watch *watch, const struct reception *in)
{
    if (in->packets != watch->packets)
        return HK_DIGITAL_SILENCE;
    if (in->unauthentic != watch->unauthentic)
        return HK_UNAUTHENTIC;
    if (in->unknown != watch->unknown)
        return HK_OTHER_PAYLOAD;
    if (watch->strangers != watch->unaccepted)
        return HK_OTHER_SOURCE;
    return in->malformed != watch->malformed ? HK_NO_RTP : HK_NO_PACKETS;
}

static void tell_watch(hk_engine *engine, struct port *port, enum hk_unheard unheard)
{
    struct hk_event event = {.kind = unheard ? HK_PORT_UNHEARD : HK_PORT_HEARD, .id = port->object.id};
    event.unheard = (int32_t)unheard;
    event.payload_type = unheard == HK_OTHER_PAYLOAD ? port->in.unknown_type : -1;
    if (unheard == HK_OTHER_SOURCE) {
        address_text(&port->watch.stranger, event.source_host, sizeof event.source_host);
        event.source_port = address_port(&port->watch.stranger);
    }
    event.seconds = (double)(engine->now - port->watch.since) / 1e9;
    port->watch.told = (uint8_t)unheard;
    tell(engine, &engine->from_engine, &event);
    engine->events_new = true;
}

/* Whether the codec that comes is one that is looked into: G.711 always, others where they are decoded anyway. */
static bool can_judge(const struct port *port) { return port->in.codec <= HK_PCMA || port->mixed_listeners > 0; }

/* Packets come: is there anything in them? */
static void came(hk_engine *engine, struct port *port, bool patient)
{
    struct watch *watch = &port->watch;
    bool silent = watch->judged && !watch->sound && can_judge(port);
    if (watch->told && !(watch->told == HK_DIGITAL_SILENCE && silent)) {
        watch->returns++;
        tell_watch(engine, port, HK_HEARD);
        begin(watch, &port->in, engine->now);
    } else if (!silent) {
        watch->judged = false;
        begin(watch, &port->in, engine->now);
    } else if (!watch->told && !patient) {
        tell_watch(engine, port, HK_DIGITAL_SILENCE);
    }
}

/* Nothing came. */
static void ceased(hk_engine *engine, struct port *port)
{
    enum hk_unheard why = reason(&port->watch, &port->in);
    if (why != HK_NO_PACKETS || !(port->in.pausing || port->in.pauses >= PAUSES))
        tell_watch(engine, port, why);
}

void watch_turn(hk_engine *engine, struct port *port)
{
    struct watch *watch = &port->watch;
    if (!in_conversation(port)) {
        watch->since = 0;
        watch->judged = false;
        return;
    }
    if (!watch->since) {
        begin(watch, &port->in, engine->now);
        watch->sound = false;
        watch->judged = true;
        watch->told = watch->returns = 0;
        return;
    }
    bool patient = engine->now - watch->since < PATIENCE * INT64_C(1000000);
    if (port->in.packets != watch->packets)
        came(engine, port, patient);
    else if (!watch->told && !patient && watch->returns < INTERRUPTIONS)
        ceased(engine, port);
}

void watch_stranger(struct port *port, const union address *from)
{
    port->watch.strangers++;
    port->watch.stranger = *from;
}

static void sounds(struct watch *watch)
{
    watch->sound = true;
    watch->judged = false;
}

void watch_payload(struct port *port, uint8_t codec, const uint8_t *payload, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned step = codec == HK_PCMU ? ~(unsigned)payload[i] & 0x7f : (payload[i] ^ 0x55u) & 0x7f;
        if (step > (codec == HK_PCMU ? 1u : 0u)) {
            sounds(&port->watch);
            return;
        }
    }
}

void watch_samples(struct port *port, const int16_t *samples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (samples[i] > SILENT_LEVEL || samples[i] < -SILENT_LEVEL) {
            sounds(&port->watch);
            return;
        }
}
