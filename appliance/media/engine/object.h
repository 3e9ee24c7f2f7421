/* What every row of the engine thread begins with. */
#ifndef HAKO_OBJECT_H
#define HAKO_OBJECT_H

#include <stdint.h>

enum kind { PORT = 1, PLAYER, MIX, RECORDER, DETECTOR };

struct object {
    int64_t id;
    enum kind kind;
    struct object *chain; /* next in its bucket */
};

#endif
