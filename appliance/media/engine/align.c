#include "align.h"

enum {
    WINDOW = 250,   /* packets: 5 s of 20 ms */
    TOLERANCE = 24, /* samples the anchor may be off before it moves: 3 ms */
    YOUNG = 50,     /* packets after a start in which the anchor may jump: the first one may have come late */
    JUMP = 4000     /* half a second: the sender began a new timeline */
};

static int64_t restart(struct align *align, uint32_t stream, uint32_t timestamp, int64_t arrival, int n)
{
    align->started = true;
    align->stream = stream;
    align->timestamp = timestamp;
    align->position = arrival;
    align->next = arrival + n;
    align->least = INT32_MAX;
    align->target = 0;
    align->window = 0;
    align->age = 0;
    return arrival;
}

int64_t align_place(struct align *align, uint32_t stream, uint32_t timestamp, int64_t arrival, int n, int *skip)
{
    *skip = 0;
    int64_t position = align->position + (int32_t)(timestamp - align->timestamp);
    int64_t delay = arrival - position;
    if (!align->started || align->stream != stream || delay > JUMP || delay < -JUMP)
        return restart(align, stream, timestamp, arrival, n);
    if (++align->age < YOUNG && delay < -TOLERANCE) {
        int64_t next = align->next;
        int age = align->age;
        restart(align, stream, timestamp, arrival, n);
        align->age = age;
        *skip = next > arrival ? (int)(next - arrival) : 0;
        return arrival;
    }
    if (delay < align->least)
        align->least = (int32_t)delay;
    if (++align->window >= WINDOW || delay < -TOLERANCE) {
        if (align->least > TOLERANCE || align->least < -TOLERANCE)
            align->target = align->least;
        align->least = INT32_MAX;
        align->window = 0;
    }
    if (align->target != 0 && position >= align->next) {
        int step = align->target > 0 ? 1 : -1;
        align->target -= step;
        /* Kept as a fresh anchor so that the difference of timestamps stays small for ever. */
        position += step;
        *skip = position == align->next + 1 ? -1 : position == align->next - 1 ? 1 : 0;
    }
    if (position + n > align->next) {
        align->next = position + n;
        align->timestamp = timestamp;
        align->position = position;
    }
    return position;
}
