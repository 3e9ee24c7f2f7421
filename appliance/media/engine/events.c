/* Events and figures, as the command side reads them. */
#include <unistd.h>

#include "command.h"
#include "core.h"

static int take(struct event_ring *ring, struct hk_event *events, int max)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    int count = 0;
    while (head != tail && count < max)
        events[count++] = ring->events[head++ % RING_EVENTS];
    atomic_store_explicit(&ring->head, head, memory_order_release);
    return count;
}

int hk_event_fd(hk_engine *engine) { return engine->event_fd; }

int hk_take_events(hk_engine *engine, struct hk_event *events, int max)
{
    uint64_t times;
    (void)!read(engine->event_fd, &times, sizeof times);
    free_done(engine);
    int count = take(&engine->from_engine, events, max);
    count += take(&engine->from_writer, events + count, max - count);
    uint64_t one = 1;
    if (count == max) /* there may be more */
        (void)!write(engine->event_fd, &one, sizeof one);
    return count;
}

void hk_read_figures(hk_engine *engine, struct hk_figures *figures)
{
#define READ(name) figures->name = atomic_load_explicit(&engine->told.name, memory_order_relaxed)
    READ(ticks);
    READ(late_ticks);
    READ(lost_ticks);
    READ(received);
    READ(forwarded);
    READ(mixed);
    READ(invalid);
    READ(send_failed);
    READ(rows);
    READ(wakes);
#undef READ
    figures->events_lost = atomic_load_explicit(&engine->lost_events, memory_order_relaxed);
}
