/* Audio codecs behind one face. What they have to remember is in a `struct codecs` that the command side makes for a
 * port, with what Opus takes where the row names it. */
#ifndef HAKO_CODEC_H
#define HAKO_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "g722.h"
#include "order.h"
#include "resample.h"

enum {
    CODEC_LARGEST = 1920, /* bytes of a payload: 20 ms of L16 at 48 kHz */
    CODEC_LONGEST = 5760, /* samples of a packet: 120 ms at 48 kHz */
    CODEC_TAP = 3840,     /* samples of a packet for a recording: the largest of G.722 at 16 kHz */
    CODEC_BYTES = 1275,   /* of a packet that Opus makes */
    CODEC_PASSED = 800    /* G.722's codes of 100 ms: its decoder has forgotten what was before */
};

struct OpusDecoder;
struct OpusEncoder;

struct codecs {
    struct g722 g722_in, g722_tap, g722_out;
    struct resampler tap;
    struct OpusDecoder *opus_in, *opus_tap; /* NULL: the row names no Opus */
    struct OpusEncoder *opus_out;
    int opus_in_rate, opus_tap_rate, opus_out_rate; /* 0: not begun */
    int loss; /* percent that the other side reports */
    uint8_t passed[CODEC_PASSED]; /* others' G.722 that the listener got since we coded for it last, newest at the end */
    size_t passed_size;
    struct order order; /* of what is decoded for recordings */
    struct order_memory *order_memory;
};

/* Whether this build has Opus; without it its packets are malformed and nothing is encoded. */
bool codec_opus_built(void);

/* A new one, zeroed (but for payloads, which are memory only once some wait); `opus`: with memory for Opus. NULL: no memory. */
struct codecs *codecs_new(bool opus);

/* Samples a second that a codec carries; 0: not audio. `clock` is its RTP clock. */
int codec_rate(uint8_t codec, uint32_t clock);

/* How long a payload lasts, in 1/8000 s times `units`; 0: malformed. */
int codec_duration(uint8_t codec, int units, const uint8_t *payload, size_t size);

/* Decodes for playing out. `rate` is what Opus is decoded at; others have their own. Gives samples, 0: malformed. */
int codec_decode(struct codecs *codecs, uint8_t codec, int rate, const uint8_t *payload, size_t size, int16_t *out);

/* The Opus packet before `payload` from its redundant copy in it (RFC 6716 2.1.7), or what Opus makes up where
 * `payload` is NULL. `n` samples at the rate decoded last. Gives samples, 0: nothing. */
int codec_opus_missing(struct codecs *codecs, const uint8_t *payload, size_t size, int16_t *out, int n);

/* Decodes for a recording. `rate` is what is wanted, 8000 or 16000, and becomes what `out` is at: nothing is made
 * to more than it is. At most CODEC_TAP samples. Gives samples, 0: malformed. */
int codec_decode_tap(struct codecs *codecs, uint8_t codec, int units, int *rate, const uint8_t *payload, size_t size,
                     int16_t *out);

/* As codec_opus_missing(), for a recording. */
int codec_opus_missing_tap(struct codecs *codecs, const uint8_t *payload, size_t size, int16_t *out, int n);

/* Encodes `n` samples at `rate` (Opus: any of ours; others: their own). Gives bytes, 0: failed. */
int codec_encode(struct codecs *codecs, uint8_t codec, int rate, const int16_t *in, int n, uint8_t *out);

/* How many percent of what we send does not arrive: Opus then sends more of it twice. */
void codec_report_loss(struct codecs *codecs, int percent);

/* Another's packet went to the listener, whose decoder settles on it: our coder catches up before it codes again. */
void codec_pass(struct codecs *codecs, uint8_t codec, const uint8_t *payload, size_t size);

/* The next packets begin a new sound: what was heard before has nothing to do with it. */
void codec_begin_decoding(struct codecs *codecs);

#endif
