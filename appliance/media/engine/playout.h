/* Playing out of one received stream, for those who hear it mixed or in another codec. (Packets that are forwarded never
 * wait here.)
 *
 * Packets wait by sequence number and are decoded when their time has come. That time is the arrival of the fastest
 * packets plus a delay that 995 of 1000 packets have not exceeded lately. A sender's clock that runs off shows as a delay
 * that grows or shrinks, and is corrected as that is: by leaving out or repeating a period of the voice, or some of a
 * pause. What does not come is concealed; a pause of the sender (DTX) is filled with its comfort noise. */
#ifndef HAKO_PLAYOUT_H
#define HAKO_PLAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec.h"
#include "conceal.h"
#include "noise.h"

enum {
    PLAYOUT_SLOTS = 64,
    PLAYOUT_STORE = 16384,
    PLAYOUT_HISTORY = 2304, /* 48 ms at 48 kHz: what concealment looks at */
    PLAYOUT_SAMPLES = PLAYOUT_HISTORY + CODEC_LONGEST + 4096,
    PLAYOUT_BUCKETS = 64 /* of 4 ms */
};

struct playout_packet {
    uint32_t stream; /* another one: a new timeline */
    uint16_t sequence;
    uint32_t timestamp;
    uint8_t codec, units; /* timestamps count in 1/8000 s / units */
    const uint8_t *payload;
    size_t size;
};

struct playout_slot {
    bool used;
    uint16_t sequence, size;
    uint8_t codec, units;
    uint32_t timestamp;
    uint32_t at; /* in the store, counted from the beginning of time */
};

struct playout {
    /* cleared by playout_reset() */
    bool waiting; /* a packet came since the stream began */
    bool talking; /* packets follow each other; false: in a pause, the next one waits for its time */
    uint32_t stream;
    uint8_t units, codec;
    int rate;             /* of pcm, 0: nothing was decoded yet */
    uint16_t next, newest;
    uint32_t at;          /* timestamp that is decoded next */
    int64_t expanded;     /* ns made up since the last packet */
    int64_t adjusted;     /* when, ns */
    int silence;          /* samples of pure silence at the end of pcm */
    int loudness;         /* mean of the amplitudes, where somebody speaks */
    /* delays: transit is arrival minus timestamp, on a timeline that begins with the stream */
    uint32_t reference;
    int64_t reference_time, window_from, fastest[2];
    int lossy; /* packets until losses of the past are forgotten */
    unsigned packets; /* counted below; all are halved at 1024, so that old ones are forgotten */
    uint16_t counts[PLAYOUT_BUCKETS];
    int64_t target;
    /* figures */
    uint32_t late, concealed, stretched, cut; /* packets, 10 ms parts, times, times */
    struct noise noise;
    struct concealment concealment;
    struct playout_slot slots[PLAYOUT_SLOTS];
    uint32_t written;
    int start, end; /* of what is decoded and not yet taken, in pcm */
    /* not cleared: memory that is touched only when used */
    uint8_t store[PLAYOUT_STORE];
    int16_t pcm[PLAYOUT_SAMPLES];
};

void playout_reset(struct playout *playout);

/* A packet that came at `now` (ns). HK_EVENTS and HK_CN among the codecs. `opus_rate` as for playout_get(). */
void playout_put(struct playout *playout, struct codecs *codecs, int opus_rate, const struct playout_packet *packet,
                 int64_t now);

/* The next 20 ms; `opus_rate` is what Opus is to be decoded at. Gives the sampling rate, 0: there is nothing to hear. */
int playout_get(struct playout *playout, struct codecs *codecs, int opus_rate, int64_t now, int16_t *out);

/* What waits was heard already, by another way: playing goes on after it, with it as what went before. */
void playout_pass(struct playout *playout, struct codecs *codecs, int opus_rate);

/* Delay that is aimed at, ns after the fastest packets. */
int64_t playout_target(const struct playout *playout);

#endif
