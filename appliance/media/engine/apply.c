/* Commands, applied by the engine thread between two rounds of packets. */
#include <string.h>
#include <sys/epoll.h>

#include "address.h"
#include "command.h"
#include "core.h"
#include "detector.h"
#include "graph.h"
#include "keys.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "port.h"
#include "receive.h"
#include "recorder.h"
#include "report.h"

static void insert(hk_engine *engine, struct object *object)
{
    struct object **bucket = &engine->objects[(uint64_t)object->id % BUCKETS];
    object->chain = *bucket;
    *bucket = object;
    engine->figures.rows++;
}

static struct object *extract(hk_engine *engine, int64_t id)
{
    struct object **at = &engine->objects[(uint64_t)id % BUCKETS];
    while (*at && (*at)->id != id)
        at = &(*at)->chain;
    struct object *object = *at;
    if (object) {
        *at = object->chain;
        engine->figures.rows--;
    }
    return object;
}

/* --- ports --- */
static void listen_on(hk_engine *engine, struct endpoint *endpoint)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = endpoint};
    (void)epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, endpoint->fd, &event);
}

static void leave(hk_engine *engine, struct endpoint *endpoint)
{
    (void)epoll_ctl(engine->epoll_fd, EPOLL_CTL_DEL, endpoint->fd, NULL);
}

static void listen_to_port(hk_engine *engine, struct port *port)
{
    listen_on(engine, &port->rtp);
    listen_on(engine, &port->twin);
    listen_on(engine, &port->rtcp);
}

static void leave_port(hk_engine *engine, struct port *port)
{
    leave(engine, &port->rtp);
    leave(engine, &port->twin);
    leave(engine, &port->rtcp);
}

static void put_port(hk_engine *engine, struct port *port)
{
    port->expecting = engine->now;
    insert(engine, &port->object);
    list_add(&engine->wheel[engine->wheel_fill++ % WHEEL], &port->turn);
    listen_to_port(engine, port);
    report_begin(engine, port);
    graph_tie(engine, &port->object);
}

static void change_port(hk_engine *engine, struct command *command)
{
    struct port *port = (struct port *)find_object(engine, command->id);
    if (!port)
        return;
    if (command->sockets.rtp >= 0) {
        struct sockets old = {port->rtp.fd, port->twin.fd, port->rtcp.fd};
        leave_port(engine, port);
        port->rtp.fd = command->sockets.rtp;
        port->twin.fd = command->sockets.twin;
        port->rtcp.fd = command->sockets.rtcp;
        port->twin_to = (union address){0};
        port->twin_turns = 0;
        listen_to_port(engine, port);
        command->sockets = old;
    }
    if (command->codecs) {
        tap_flush(engine, port);
        struct codecs *old = port->codecs;
        port->codecs = command->codecs;
        command->codecs = old;
    }
    port_take_keys(engine, port, command);
    port_reconfigure(engine, port, command->config);
    graph_touch_listeners(engine, port);
}

static void drop_port(hk_engine *engine, struct port *port)
{
    port_farewell(engine, port);
    leave_port(engine, port);
    graph_untie(engine, &port->object);
    list_del(&port->turn);
    list_del(&port->reports.turn);
    list_del(&port->keys);
    press_forget(engine, port);
    list_del(&port->mixed);
    list_del(&port->dirty);
    list_del(&port->overtaking);
}

/* --- players, mixes, recorders --- */
/* The sounds change places so that the old ones go back with the command. */
static void put_player(hk_engine *engine, struct command *command)
{
    struct player *player = (struct player *)command->object;
    struct player *old = (struct player *)extract(engine, player->object.id);
    if (old && old->generation == player->generation) {
        player->at = old->at < player->count ? old->at : player->count;
        player->offset = player->at < player->count && old->offset < player->sounds[player->at]->samples ? old->offset : 0;
        player->finished = old->finished;
        memcpy(player->voices, old->voices, sizeof player->voices);
    }
    insert(engine, &player->object);
    list_add(&engine->players, &player->all);
    if (old) {
        list_del(&old->all);
        graph_untie(engine, &old->object);
    }
    graph_tie(engine, &player->object);
    command->object = old ? &old->object : NULL;
}

static void put_mix(hk_engine *engine, struct command *command)
{
    struct mix *mix = (struct mix *)command->object;
    struct object *old = extract(engine, mix->object.id);
    if (old)
        graph_fade_mix(engine, (struct mix *)old);
    insert(engine, &mix->object);
    graph_add_mix(engine, mix);
    command->object = old;
}

static void put_recorder(hk_engine *engine, struct command *command)
{
    struct recorder *recorder = (struct recorder *)command->object;
    insert(engine, &recorder->object);
    for (uint32_t i = 0; i < recorder->count; i++)
        recorder->taps[i].recorder = recorder;
    graph_add_taps(engine, recorder->taps, recorder->count);
    recorder_start(engine, recorder, command->running, command->silent);
}

static void change_recorder(hk_engine *engine, struct command *command)
{
    struct recorder *recorder = (struct recorder *)find_object(engine, command->id);
    if (!recorder)
        return;
    struct tap *old = recorder->taps;
    graph_remove_taps(engine, old, recorder->count);
    graph_inherit_taps(command->taps, command->count, old, recorder->count);
    recorder->taps = command->taps;
    recorder->count = command->count;
    for (uint32_t i = 0; i < recorder->count; i++)
        recorder->taps[i].recorder = recorder;
    graph_add_taps(engine, recorder->taps, recorder->count);
    recorder_run(engine, recorder, command->running, command->silent);
    command->taps = old;
}

static void put_detector(hk_engine *engine, struct command *command)
{
    struct detector *detector = (struct detector *)command->object;
    struct object *old = extract(engine, detector->object.id);
    insert(engine, &detector->object);
    detect_add(engine, detector, (struct detector *)old);
    command->object = old;
}

static void drop(hk_engine *engine, struct command *command)
{
    struct object *object = extract(engine, command->id);
    if (!object)
        return;
    switch (object->kind) {
    case PORT:
        drop_port(engine, (struct port *)object);
        break;
    case PLAYER:
        list_del(&((struct player *)object)->all);
        graph_untie(engine, object);
        break;
    case MIX:
        graph_fade_mix(engine, (struct mix *)object);
        break;
    case RECORDER: {
        struct recorder *recorder = (struct recorder *)object;
        graph_remove_taps(engine, recorder->taps, recorder->count);
        recorder_end(engine, recorder);
        break;
    }
    case DETECTOR:
        detect_remove((struct detector *)object);
        break;
    }
    command->object = object;
}

/* Mixes that were taken away have been heard for one more tick, softer and softer. */
void finish_leaving(hk_engine *engine)
{
    if (!engine->leaving)
        return;
    for (struct pass *at = engine->leaving; at;) {
        struct command *command = CONTAINER(at, struct command, pass);
        at = at->next;
        graph_remove_mix(engine, (struct mix *)command->object);
        handover_push(&engine->done, &command->pass);
    }
    engine->leaving = NULL;
    engine->events_later = true;
    graph_settle(engine);
}

static void apply(hk_engine *engine, struct command *command)
{
    switch (command->operation) {
    case PUT_PORT:
        put_port(engine, (struct port *)command->object);
        command->object = NULL;
        break;
    case CHANGE_PORT:
        change_port(engine, command);
        break;
    case PUT_PLAYER:
        put_player(engine, command);
        break;
    case PUT_MIX:
        put_mix(engine, command);
        break;
    case PUT_RECORDER:
        put_recorder(engine, command);
        command->object = NULL;
        break;
    case CHANGE_RECORDER:
        change_recorder(engine, command);
        break;
    case PUT_DETECTOR:
        put_detector(engine, command);
        break;
    case DROP:
        drop(engine, command);
        break;
    case QUIT:
        finish_leaving(engine);
        engine->quit = true;
        break;
    }
}

void apply_batches(hk_engine *engine)
{
    struct pass *item = handover_take(&engine->batches);
    while (item) {
        struct batch *batch = CONTAINER(item, struct batch, pass);
        item = item->next;
        for (struct pass *at = batch->commands; at;) {
            struct command *command = CONTAINER(at, struct command, pass);
            at = at->next;
            apply(engine, command);
            if (command->object && command->object->kind == MIX) {
                command->pass.next = engine->leaving;
                engine->leaving = &command->pass;
            } else {
                handover_push(&engine->done, &command->pass);
            }
        }
        graph_settle(engine);
        handover_push(&engine->done_batches, &batch->pass);
    }
    /* What was let go is freed by the command side. */
    engine->events_later = true;
    start_ticks(engine);
}
