/* The engine thread: waits for packets, commands and ticks. Starting and stopping of everything. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "core.h"
#include "detector.h"
#include "g711.h"
#include "graph.h"
#include "keys.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "receive.h"
#include "recorder.h"
#include "report.h"
#include "resample.h"
#include "units.h"

enum { READY = 256, PRIORITY = 20, STACK = 256 << 10, MOST_TICKS_BEHIND = 5 };
#define LATE_NS INT64_C(5000000)

/* Under load the thread rests this long between two rounds, and finds the packets of several calls at once: waking for
 * each single one costs more than forwarding it. It adds at most this much to the delay, and nothing below BUSY. */
#define REST_NS 500000
enum { BUSY = 20 /* packets in a tick: 10 calls */ };

int64_t hk_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

void tell(hk_engine *engine, struct event_ring *ring, const struct hk_event *event)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) == RING_EVENTS) {
        atomic_fetch_add_explicit(&engine->lost_events, 1, memory_order_relaxed);
        return;
    }
    ring->events[tail % RING_EVENTS] = *event;
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    if (ring == &engine->from_engine && tail - atomic_load_explicit(&ring->head, memory_order_relaxed) > RING_EVENTS / 4)
        engine->events_new = true;
}

struct object *find_object(hk_engine *engine, int64_t id)
{
    struct object *object = engine->objects[(uint64_t)id % BUCKETS];
    while (object && object->id != id)
        object = object->chain;
    return object;
}

/* --- ticks --- */
static void publish(hk_engine *engine)
{
#define TELL(name) atomic_store_explicit(&engine->told.name, engine->figures.name, memory_order_relaxed)
    TELL(ticks);
    TELL(late_ticks);
    TELL(lost_ticks);
    TELL(received);
    TELL(forwarded);
    TELL(mixed);
    TELL(invalid);
    TELL(send_failed);
    TELL(rows);
    TELL(wakes);
#undef TELL
}

void engine_tick(hk_engine *engine)
{
    engine->figures.ticks++;
    if (engine->now - (engine->anchor + (int64_t)engine->tick * NS_PER_TICK) > LATE_NS)
        engine->figures.late_ticks++;
    press_tick(engine);
    mix_tick(engine);
    finish_leaving(engine);
    key_tick(engine);
    detect_tick(engine);
    tap_tick(engine);
    recorder_tick(engine);
    LIST_EACH (at, &engine->wheel[engine->tick % WHEEL])
        port_turn(engine, CONTAINER(at, struct port, turn));
    report_tick(engine);
    engine->tick++;
}

/* Without rows nothing is due: a box without calls sleeps. Ticks are numbered by the clock all the same. */
static void set_timer(hk_engine *engine, int64_t first)
{
    struct itimerspec timer = {{0}, {0}};
    if (first) {
        timer.it_value = (struct timespec){first / NS_PER_SECOND, first % NS_PER_SECOND};
        timer.it_interval.tv_nsec = NS_PER_TICK;
    }
    (void)timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
    engine->ticking = first != 0;
}

static void stop_ticks(hk_engine *engine) { set_timer(engine, 0); }

void start_ticks(hk_engine *engine)
{
    if (engine->ticking)
        return;
    uint64_t next = (uint64_t)((engine->now - engine->anchor) / NS_PER_TICK) + 1;
    engine->tick = next > engine->tick ? next : engine->tick;
    set_timer(engine, engine->anchor + (int64_t)engine->tick * NS_PER_TICK);
}

/* All ticks that are due. After a standstill of the machine the old ones are skipped: what nobody heard in time is not
 * sent in a burst, and timestamps follow the clock. */
static void run_ticks(hk_engine *engine)
{
    uint64_t due = (uint64_t)((engine->now - engine->anchor) / NS_PER_TICK) + 1;
    if (due > engine->tick + MOST_TICKS_BEHIND) {
        engine->figures.lost_ticks += due - 1 - engine->tick;
        engine->tick = due - 1;
        LIST_EACH (at, &engine->mixed)
            CONTAINER(at, struct port, mixed)->out.mixing = false;
    }
    while (engine->tick < due)
        engine_tick(engine);
    engine->busy = engine->figures.received - engine->received_before >= BUSY;
    engine->received_before = engine->figures.received;
    if (engine->events_later && engine->tick % NEWS_TICKS == 0) {
        engine->events_later = false;
        engine->events_new = true;
    }
    if (!engine->figures.rows && !engine->leaving && !engine->events_later)
        stop_ticks(engine);
    publish(engine);
}

/* --- the thread --- */
static void handle(hk_engine *engine, struct endpoint *endpoint, bool *ticks, bool *commands)
{
    if ((void *)endpoint == (void *)&engine->timer_fd)
        *ticks = true;
    else if ((void *)endpoint == (void *)&engine->wake_fd)
        *commands = true;
    else
        port_read(engine, endpoint);
}

void *engine_main(void *argument)
{
    hk_engine *engine = argument;
    struct epoll_event ready[READY];
    uint64_t one = 1, times;
    /* Above everything that only computes; the box's other work is never so urgent. Not allowed everywhere. */
    prctl(PR_SET_NAME, "hako-engine");
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &(struct sched_param){.sched_priority = PRIORITY});
    while (!engine->quit) {
        bool ticks = false, commands = false;
        int count = epoll_wait(engine->epoll_fd, ready, READY, -1);
        engine->now = hk_now();
        engine->figures.wakes++;
        for (int i = 0; i < count; i++)
            handle(engine, ready[i].data.ptr, &ticks, &commands);
        handle_datagrams(engine);
        if (ticks && read(engine->timer_fd, &times, sizeof times) > 0)
            run_ticks(engine);
        /* Last, since it may take away what an entry of `ready` points to. */
        if (commands && read(engine->wake_fd, &times, sizeof times) > 0)
            apply_batches(engine);
        if (engine->events_new) {
            engine->events_new = false;
            (void)!write(engine->event_fd, &one, sizeof one);
        }
        if (engine->busy)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = REST_NS}, NULL);
    }
    return NULL;
}

/* --- start and stop --- */
static int watch(hk_engine *engine, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    return epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

static int open_descriptors(hk_engine *engine)
{
    engine->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->writer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    engine->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (engine->wake_fd < 0 || engine->event_fd < 0 || engine->writer_fd < 0 || engine->epoll_fd < 0 ||
        engine->timer_fd < 0)
        return -1;
    engine->anchor = hk_now();
    return watch(engine, &engine->wake_fd) < 0 || watch(engine, &engine->timer_fd) < 0 ? -1 : 0;
}

void engine_release(hk_engine *engine)
{
    int *fds[] = {&engine->wake_fd, &engine->event_fd, &engine->writer_fd, &engine->epoll_fd, &engine->timer_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (*fds[i] >= 0)
            close(*fds[i]);
    if (engine->arena)
        munmap(engine->arena, sizeof(struct block) * ARENA_BLOCKS);
    free(engine);
}

void engine_lists(hk_engine *engine)
{
    struct node *lists[] = {&engine->waiting_links, &engine->waiting_taps, &engine->mixed,    &engine->keys,
                            &engine->dirty,         &engine->players,      &engine->recorders, &engine->pressing,
                            &engine->detectors,     &engine->waiting_detectors, &engine->overtaking};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        list_init(lists[i]);
    for (int i = 0; i < WHEEL; i++) {
        list_init(&engine->wheel[i]);
        list_init(&engine->reports[i]);
    }
}

hk_engine *engine_prepare(void)
{
    hk_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->wake_fd = engine->event_fd = engine->writer_fd = engine->epoll_fd = engine->timer_fd = -1;
    engine_lists(engine);
    if (getrandom(&engine->random, sizeof engine->random, GRND_NONBLOCK) < 0)
        engine->random = (uint64_t)hk_now();
    engine->random |= 1;
    engine->dice = engine->random ^ UINT64_C(0x9e3779b97f4a7c15);
    g711_init();
    resample_init();
    void *arena = mmap(NULL, sizeof(struct block) * ARENA_BLOCKS, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    engine->arena = arena == MAP_FAILED ? NULL : arena;
    if (!engine->arena || open_descriptors(engine) < 0) {
        int error = errno;
        engine_release(engine);
        errno = error;
        return NULL;
    }
    return engine;
}

static int start_thread(pthread_t *thread, void *(*body)(void *), hk_engine *engine)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    int error = pthread_create(thread, &attributes, body, engine);
    pthread_attr_destroy(&attributes);
    return error;
}

static void end_writer(hk_engine *engine)
{
    uint64_t one = 1;
    atomic_store(&engine->writer_ends, true);
    (void)!write(engine->writer_fd, &one, sizeof one);
    pthread_join(engine->writer_thread, NULL);
}

hk_engine *hk_start(void)
{
    hk_engine *engine = engine_prepare();
    if (!engine)
        return NULL;
    int error = start_thread(&engine->writer_thread, writer_main, engine);
    if (!error && (error = start_thread(&engine->engine_thread, engine_main, engine)))
        end_writer(engine);
    if (error) {
        engine_release(engine);
        errno = error;
        return NULL;
    }
    return engine;
}

void hk_stop(hk_engine *engine)
{
    if (queue_quit(engine) < 0)
        return;
    pthread_join(engine->engine_thread, NULL);
    end_writer(engine);
    free_done(engine);
}

void hk_free(hk_engine *engine) { engine_release(engine); }
