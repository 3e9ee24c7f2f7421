/* The engine's own state, and its thread. */
#ifndef HAKO_CORE_H
#define HAKO_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "engine.h"
#include "list.h"
#include "object.h"
#include "units.h"

struct block;
struct endpoint;
struct known;
struct sound;

enum {
    DATAGRAMS = 64,    /* taken from sockets before they are handled */
    WHEEL = 50,        /* ticks in which each port gets its turn for silence and statistics: one second */
    REPORT_TURNS = 5,  /* turns between two statistics */
    NEWS_TICKS = 5,    /* ticks within which the command side learns what is not urgent */
    BUCKETS = 4096,
    RING_EVENTS = 1024
};

struct event_ring {
    _Atomic uint32_t head, tail; /* taken, filled */
    struct hk_event events[RING_EVENTS];
};

struct datagram {
    struct endpoint *endpoint;
    size_t size;
    union address from;
    uint8_t data[DATAGRAM];
};

struct hk_engine {
    /* shared */
    struct handover batches, done, done_batches, jobs, free_blocks;
    struct event_ring from_engine, from_writer;
    int wake_fd, event_fd, writer_fd, epoll_fd, timer_fd;
    pthread_t engine_thread, writer_thread;
    struct block *arena;
    _Atomic uint64_t lost_events;
    atomic_bool writer_ends;
    struct {
        _Atomic uint64_t ticks, late_ticks, lost_ticks, received, forwarded, mixed, invalid, send_failed, rows, wakes;
    } told;
    /* command side */
    struct known *known[BUCKETS];
    struct pass *uncommitted, *uncommitted_end;
    struct sound *sounds;
    size_t populated, recorders_known;
    int undone; /* drops that the engine thread has not confirmed */
    uint64_t random;
    /* engine thread */
    struct object *objects[BUCKETS];
    struct node waiting_detectors, detectors;
    struct node overtaking; /* ports with packets that wait for others before they are recorded */
    struct node waiting_links, waiting_taps, mixed, keys, dirty, players, recorders, pressing;
    struct pass *leaving; /* commands that took mixes away, until those have faded */
    uint32_t streams;
    struct node wheel[WHEEL], reports[WHEEL];
    unsigned wheel_fill;
    uint64_t dice;
    int64_t now, anchor;
    uint64_t tick;
    struct block *spare;
    size_t fresh; /* blocks of the arena never used */
    struct hk_figures figures;
    uint64_t received_before; /* at the tick before */
    bool events_new;   /* the command side shall look now */
    bool events_later; /* … when it suits: to wake it for each ended call costs more than what it then does */
    bool ticking, quit, busy;
    int taken;
    struct datagram datagrams[DATAGRAMS];
};

int64_t hk_now(void);
void tell(hk_engine *engine, struct event_ring *ring, const struct hk_event *event);
struct object *find_object(hk_engine *engine, int64_t id);
void *engine_main(void *engine);
/* An engine without its threads, and the end of it. NULL and errno: the machine refuses. */
hk_engine *engine_prepare(void);
void engine_release(hk_engine *engine);
/* Every list of an engine, of a port: empty. */
void engine_lists(hk_engine *engine);
/* What is due each 20 ms. */
void engine_tick(hk_engine *engine);
/* There is something to tick for. */
void start_ticks(hk_engine *engine);

#endif
