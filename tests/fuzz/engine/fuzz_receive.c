/* Whole conversations of datagrams into a port that is forwarded, mixed and recorded: no sockets, no clock.
 * Input: for each datagram a byte of length, one of time passed, one of where it comes from, and its bytes. */
#include <stdlib.h>
#include <string.h>

#include "g711.h"
#include "internal.h"

static hk_engine *engine;
static struct port *ports[2];
static struct recorder recorder;
static struct recording recording;
static struct tap taps[2];
static struct link links[3];

static struct port *make_port(int64_t id, uint8_t send)
{
    struct port *port = calloc(1, sizeof *port);
    port_lists(port);
    port->object = (struct object){.id = id, .kind = PORT};
    port->rtp.fd = port->twin.fd = port->rtcp.fd = -1;
    memcpy(port->config.types, (uint8_t[]){0, 8, 101, 9, 96, 97, 13, 102}, 8);
    memcpy(port->config.codecs,
           (uint8_t[]){HK_PCMU, HK_PCMA, HK_EVENTS, HK_G722, HK_OPUS, HK_L16, HK_CN, HK_EVENTS}, 8);
    memcpy(port->config.units, (uint8_t[]){1, 1, 1, 1, 6, 2, 1, 6}, 8);
    port->config.type_count = 8;
    port->config.send_codec = send;
    port->config.send_units = send == HK_OPUS ? 6 : 1;
    port->config.sends_events = id == 1;
    port->config.sends_noise = id == 2;
    port->config.events_units = 1;
    port->codecs = codecs_new(true);
    port->played = UINT64_MAX;
    port->config.frame = 240;
    port->config.sending = port->config.receiving = true;
    address_parse(&port->config.remote, "192.0.2.1", 4000);
    return port;
}

static void hears(struct link *link, int listener, int source, int32_t gain)
{
    *link = (struct link){.listener = ports[listener], .source = &ports[source]->object, .gain = gain};
    list_init(&link->waiting);
    list_add(&ports[listener]->hears, &link->of_listener);
    list_add(&ports[source]->heard_by, &link->of_source);
    list_add(&engine->dirty, &ports[listener]->dirty);
    list_add(&engine->dirty, &ports[source]->dirty);
    graph_settle(engine);
}

static void set_up(unsigned kind)
{
    static hk_engine only;
    static struct block blocks[64];
    engine = &only;
    memset(engine, 0, sizeof *engine);
    engine_lists(engine);
    engine->arena = blocks;
    engine->fresh = ARENA_BLOCKS; /* all of them come back from the writer */
    for (int i = 0; i < 64; i++)
        handover_push(&engine->free_blocks, &blocks[i].job.pass);
    engine->writer_fd = -1;
    engine->now = NS_PER_SECOND;
    engine->anchor = NS_PER_SECOND;
    ports[0] = make_port(1, (uint8_t[]){HK_PCMU, HK_G722, HK_OPUS, HK_PCMA}[kind >> 1 & 3]);
    ports[1] = make_port(2, (uint8_t[]){HK_PCMA, HK_OPUS, HK_G722, HK_PCMU}[kind >> 3 & 3]);
    hears(&links[0], 0, 1, kind & 1 ? GAIN_ONE / 2 : GAIN_ONE);
    hears(&links[1], 1, 0, GAIN_ONE);
    memset(&recorder, 0, sizeof recorder);
    memset(&recording, 0, sizeof recording);
    recorder.recording = &recording;
    recorder.hears = recorder.passing = true;
    recorder.scale = kind & 32 ? 2 : 1;
    recording.rate = 8000 * recorder.scale;
    recorder.since = engine->now;
    recorder.taps = taps;
    recorder.count = 2;
    list_add(&engine->recorders, &recorder.all);
    for (int i = 0; i < 2; i++) {
        taps[i] = (struct tap){.recorder = &recorder, .port = ports[i], .right = i == 1};
        list_init(&taps[i].waiting);
        list_add(&ports[i]->taps, &taps[i].of_port);
        ports[i]->tap_rate = recording.rate;
    }
}

static void tear_down(void)
{
    for (int i = 0; i < 2; i++) {
        free(ports[i]->codecs);
        free(ports[i]);
    }
}

static void give_back(void)
{
    struct pass *item = handover_take(&engine->jobs);
    while (item) {
        struct job *job = CONTAINER(item, struct job, pass);
        item = item->next;
        if (job->frames > BLOCK_FRAMES || job->position < 0)
            abort();
        atomic_fetch_sub(&recording.waiting, 1);
        handover_push(&engine->free_blocks, &job->pass);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool tables;
    if (!tables)
        g711_init(), resample_init();
    tables = true;
    set_up(size ? data[0] : 0);
    while (size > 3) {
        uint8_t packet[DATAGRAM];
        union address from;
        size_t length = data[0] * 5u, rest = size - 3;
        unsigned flags = data[2];
        engine->now += data[1] * INT64_C(1000000);
        address_parse(&from, flags & 2 ? "192.0.2.1" : "192.0.2.9", flags & 4 ? 4000 : 4001);
        length = length < rest ? length : rest;
        memcpy(packet, data + 3, length);
        if (flags & 8)
            port_rtcp(engine, ports[flags & 1], packet, length, &from);
        else
            port_receive(engine, ports[flags & 1], packet, length, &from);
        for (; (int64_t)engine->tick * NS_PER_TICK < engine->now - NS_PER_SECOND; engine->tick++) {
            press_tick(engine);
            mix_tick(engine);
            key_tick(engine);
            recorder_tick(engine);
            give_back();
        }
        if (flags & 16)
            recorder_run(engine, &recorder, !recorder.hears, recorder.hears && recorder.position % 2);
        atomic_store(&engine->from_engine.head, atomic_load(&engine->from_engine.tail));
        data += 3 + length;
        size -= 3 + length;
    }
    tear_down();
    return 0;
}
