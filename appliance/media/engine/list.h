/* Doubly linked lists through the things themselves, and hand-over stacks between two threads. */
#ifndef HAKO_LIST_H
#define HAKO_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct node {
    struct node *prev, *next;
};

static inline void list_init(struct node *head) { head->prev = head->next = head; }

static inline bool list_empty(const struct node *head) { return head->next == head; }

static inline void list_add(struct node *head, struct node *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

/* Takes an item out of whatever list it is in; an item in no list (initialised with list_init) stays so. */
static inline void list_del(struct node *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
/* The body may remove the item it is at. */
#define LIST_EACH(at, head) \
    for (struct node *at = (head)->next, *at##_next = at->next; at != (head); at = at##_next, at##_next = at->next)

/* One thread pushes, another takes everything at once: no lock, no limit, no allocation. */
struct pass {
    struct pass *next;
};

struct handover {
    _Atomic(struct pass *) head;
};

/* True when it was empty before, so that the taker has to be woken. */
static inline bool handover_push(struct handover *over, struct pass *item)
{
    struct pass *head = atomic_load_explicit(&over->head, memory_order_relaxed);
    do {
        item->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&over->head, &head, item, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return head == NULL;
}

/* Everything pushed so far, oldest first. */
static inline struct pass *handover_take(struct handover *over)
{
    struct pass *item = atomic_exchange_explicit(&over->head, NULL, memory_order_acquire), *ordered = NULL;
    while (item) {
        struct pass *next = item->next;
        item->next = ordered;
        ordered = item;
        item = next;
    }
    return ordered;
}

#endif
