/* Commands: made by the command side, applied by the engine thread, freed by the command side. */
#ifndef HAKO_COMMAND_H
#define HAKO_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "engine.h"
#include "list.h"
#include "object.h"

struct port_config;
struct port;
struct tap;

enum operation { PUT_PORT, CHANGE_PORT, PUT_PLAYER, PUT_MIX, PUT_RECORDER, CHANGE_RECORDER, PUT_DETECTOR, DROP, QUIT };

struct sockets {
    int rtp, twin, rtcp;
};

struct command {
    struct pass pass;
    enum operation operation;
    int64_t id;
    struct object *object;       /* in: the new one; back: the one to free */
    struct port_config *config;  /* CHANGE_PORT */
    struct codecs *codecs;       /* CHANGE_PORT, where it may be the first to need them; back: what was not taken */
    struct sockets sockets;      /* CHANGE_PORT: new ones or -1; back: those to close */
    bool changes_protect, changes_unprotect;
    struct crypto *protect, *unprotect; /* CHANGE_PORT: new ones or NULL, plain from now on; back: those to free */
    struct tap *taps;            /* CHANGE_RECORDER; back: those to free */
    uint32_t count;
    bool running, silent;
};

struct batch {
    struct pass pass;
    struct pass *commands;
};

/* What the command side remembers of a row. */
struct known {
    int64_t id;
    enum kind kind;
    union address local;
    int codecs; /* 2: with Opus */
    uint32_t ssrc; /* it sends with */
    struct hk_keys protect, unprotect;
    struct known *chain;
};

/* --- apply.c: commands, in the engine thread --- */
void apply_batches(hk_engine *engine);

/* --- apply.c: after a tick, what faded out goes --- */
void finish_leaving(hk_engine *engine);

/* --- control.c, sockets.c, sound.c: command side --- */
void free_done(hk_engine *engine);
/* Adds QUIT to the commands, after which the engine thread ends. */
int queue_quit(hk_engine *engine);
/* `dscp`: of what is sent, 0..63. 0 or -errno. */
int open_sockets(const union address *local, uint8_t dscp, struct sockets *sockets);
void close_sockets(const struct sockets *sockets);

/* --- what rows are made with (control.c) --- */
/* The row with this id when it is of this kind; one of another kind is dropped, since ids are never shared. */
struct known *known_existing(hk_engine *engine, int64_t id, enum kind kind);
/* Notes a row; NULL: no memory. */
struct known *known_remember(hk_engine *engine, int64_t id, enum kind kind);
/* NULL: no memory. */
struct command *command_new(enum operation operation, int64_t id);
/* It goes with the next commit. */
void command_queue(hk_engine *engine, struct command *command);
void command_free(struct command *command);
/* Without its sockets. */
void port_free(struct port *port);

#endif
