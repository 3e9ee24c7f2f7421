/* The command side: remembers what exists, passes commands to the engine thread, frees what comes back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec.h"
#include "command.h"
#include "core.h"
#include "detect.h"
#include "detector.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "port.h"
#include "recorder.h"
#include "srtp.h"

/* --- what exists, as the command side knows it --- */
static struct known **known_place(hk_engine *engine, int64_t id)
{
    struct known **at = &engine->known[(uint64_t)id % BUCKETS];
    while (*at && (*at)->id != id)
        at = &(*at)->chain;
    return at;
}

static void forget(hk_engine *engine, int64_t id)
{
    struct known **at = known_place(engine, id), *known = *at;
    if (known) {
        *at = known->chain;
        explicit_bzero(known, sizeof *known);
        free(known);
    }
}

struct known *known_remember(hk_engine *engine, int64_t id, enum kind kind)
{
    struct known **at = known_place(engine, id);
    if (!*at)
        *at = calloc(1, sizeof **at);
    if (*at) {
        (*at)->id = id;
        (*at)->kind = kind;
    }
    return *at;
}

/* The row with this id when it is of this kind; one of another kind is dropped, since ids are never shared. */
struct known *known_existing(hk_engine *engine, int64_t id, enum kind kind)
{
    struct known *known = *known_place(engine, id);
    if (known && known->kind != kind) {
        hk_drop(engine, id);
        return NULL;
    }
    return known;
}

/* --- commands --- */
struct command *command_new(enum operation operation, int64_t id)
{
    struct command *command = calloc(1, sizeof *command);
    if (command) {
        command->operation = operation;
        command->id = id;
        command->sockets = (struct sockets){-1, -1, -1};
    }
    return command;
}

void command_queue(hk_engine *engine, struct command *command)
{
    command->pass.next = NULL;
    if (engine->uncommitted)
        engine->uncommitted_end->next = &command->pass;
    else
        engine->uncommitted = &command->pass;
    engine->uncommitted_end = &command->pass;
}

void hk_commit(hk_engine *engine)
{
    struct batch *batch = engine->uncommitted ? calloc(1, sizeof *batch) : NULL;
    if (!batch)
        return;
    batch->commands = engine->uncommitted;
    engine->uncommitted = engine->uncommitted_end = NULL;
    uint64_t one = 1;
    if (handover_push(&engine->batches, &batch->pass))
        (void)!write(engine->wake_fd, &one, sizeof one);
}

void command_free(struct command *command)
{
    close_sockets(&command->sockets);
    crypto_free(command->protect);
    crypto_free(command->unprotect);
    free(command->config);
    free(command->codecs);
    free(command->taps);
    free(command);
}

void port_free(struct port *port)
{
    free(port->codecs);
    crypto_free(port->protect);
    crypto_free(port->unprotect);
    crypto_free(port->before);
    free(port);
}

static void free_object(hk_engine *engine, struct object *object)
{
    if (object && object->kind == PORT) {
        struct port *port = (struct port *)object;
        close_sockets(&(struct sockets){port->rtp.fd, port->twin.fd, port->rtcp.fd});
        port_free(port);
        return;
    }
    if (object && object->kind == PLAYER) {
        struct player *player = (struct player *)object;
        for (uint32_t i = 0; i < player->count; i++)
            sound_release(engine, player->sounds[i]);
    } else if (object && object->kind == RECORDER) {
        free(((struct recorder *)object)->taps);
    } else if (object && object->kind == DETECTOR) {
        keys_free(((struct detector *)object)->keys);
        free(((struct detector *)object)->codecs);
    }
    free(object);
}

void free_done(hk_engine *engine)
{
    struct pass *item = handover_take(&engine->done);
    while (item) {
        struct command *command = CONTAINER(item, struct command, pass);
        item = item->next;
        free_object(engine, command->object);
        engine->undone -= command->operation == DROP;
        command_free(command);
    }
    item = handover_take(&engine->done_batches);
    while (item) {
        struct batch *batch = CONTAINER(item, struct batch, pass);
        item = item->next;
        free(batch);
    }
}

int hk_abilities(void) { return (codec_opus_built() ? HK_CAN_OPUS : 0) | (crypto_built() ? HK_CAN_SRTP : 0); }

void hk_drop(hk_engine *engine, int64_t id)
{
    const struct known *known = *known_place(engine, id);
    struct command *command = known ? command_new(DROP, id) : NULL;
    if (!command)
        return;
    engine->recorders_known -= known->kind == RECORDER;
    forget(engine, id);
    engine->undone++;
    command_queue(engine, command);
}

/* --- the end --- */
int queue_quit(hk_engine *engine)
{
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        while (engine->known[bucket])
            hk_drop(engine, engine->known[bucket]->id);
    struct command *command = command_new(QUIT, 0);
    if (!command)
        return -ENOMEM;
    command_queue(engine, command);
    hk_commit(engine);
    return 0;
}
