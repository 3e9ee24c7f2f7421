/* Detectors as rows: each is fed a copy of what its port receives. */
#ifndef HAKO_DETECTOR_H
#define HAKO_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "detect.h"
#include "engine.h"
#include "list.h"
#include "object.h"
#include "rtp.h"

struct port;

struct detector {
    struct object object;
    int64_t port_id;
    struct port *port; /* NULL: it does not exist (yet) */
    struct node of_port, waiting, all;
    bool wants_keys, wants_tones, wants_speech;
    struct codecs *codecs;
    struct keys *keys;
    struct speech speech;
    struct tones tones;
    char key;           /* that sounds now */
    char undecided;     /* not told yet: a telephone-event for it may come */
    int64_t key_from, decided_at;
    uint32_t stream;
    uint32_t next;      /* timestamp of the packet that follows */
    int32_t ahead;      /* samples of silence fed while no packet came */
    int64_t arrival;    /* of the newest packet */
    uint64_t fed;       /* samples since the beginning */
    int filled;         /* of the block */
    int16_t block[TONE_BLOCK];
};

void detect_hear(hk_engine *engine, struct port *port, const struct rtp_packet *packet, const uint8_t *payload,
                 uint8_t codec);
void detect_tick(hk_engine *engine);
void detect_tie(hk_engine *engine, int64_t port);
void detect_untie(hk_engine *engine, struct port *port);
/* `old`: the one it stands for from now on, or NULL. */
void detect_add(hk_engine *engine, struct detector *detector, struct detector *old);
void detect_remove(struct detector *detector);

#endif
