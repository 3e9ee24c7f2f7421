/* A port: an RTP stream with one party, and all that is known of it. */
#ifndef HAKO_PORT_H
#define HAKO_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "codec.h"
#include "engine.h"
#include "list.h"
#include "object.h"
#include "playout.h"
#include "quality.h"
#include "resample.h"
#include "rtcp.h"
#include "srtp.h"
#include "units.h"

struct port;

enum {
    PRESSES = 32 /* keys that wait to be sent */
};

struct port_config {
    bool sending, receiving, sends_events, sends_noise, sends_tones;
    bool rtcp_mux, sends_metrics;
    uint8_t dscp;
    uint8_t send_codec, send_type, events_type, noise_type;
    uint8_t send_units;   /* RTP clock of what we send, times 8000 Hz */
    uint8_t events_units; /* of the telephone-events we send */
    uint16_t frame;       /* of one packet we make, 1/8000 s */
    uint16_t frame_bytes; /* the same as payload; 0: Opus, whose packets are whole or nothing */
    union address remote;
    /* what may be received: few, so that a search beats a table that falls out of the cache */
    uint8_t types[16], codecs[16], units[16];
    uint8_t type_count;
    char press[PRESSES + 1];
    int64_t press_generation;
    union address local, remote_rtcp;
    int64_t timeout; /* ns, 0: never */
    int64_t generation;
};

/* Which of the payload types received this is; -1: not negotiated. */
static inline int place_of(const struct port_config *config, uint8_t type)
{
    for (int i = 0; i < config->type_count; i++)
        if (config->types[i] == type)
            return config->codecs[i] == HK_NONE ? -1 : i;
    return -1;
}

struct endpoint {
    int fd;
    bool rtcp;
    struct port *port;
};

/* The source rule of the audio model. */
struct source_rule {
    bool locked;
    union address locked_to;
    union address before; /* what it was locked to before the present generation */
    union address candidate, rtcp;
    uint32_t candidate_ssrc;
    uint16_t candidate_next;
    int candidate_count;
};

struct reception {
    bool started;
    uint8_t codec, units; /* audio that comes now: what its listeners were settled for */
    uint32_t ssrc;
    uint32_t stream; /* rises with each new timeline of the sender: another SSRC, a jump */
    uint32_t cycles;
    uint16_t highest, first, bad;
    bool bad_known;
    uint64_t seen;         /* bit n: highest - n came */
    uint32_t timestamp;    /* of the newest packet */
    int64_t arrival;       /* of it, ns */
    uint32_t transit;
    uint32_t jitter_16;    /* RFC 3550 A.8, times 16, 1/8000 s times `units` */
    uint64_t packets, bytes, strangers;
    float loudest;         /* mean square of the loudest packet looked at since the last statistics; -1: none was */
    uint64_t unauthentic;  /* from the party's address, not made with its key */
    uint64_t repeated;     /* came before, or so long ago that nobody knows */
    uint64_t unknown;      /* of payload types that were not negotiated */
    uint64_t malformed;    /* no RTP at all */
    uint8_t unknown_type;  /* of the newest such packet */
    bool pausing;          /* the newest packet was comfort noise: nothing more may come for long */
    uint8_t pauses;        /* since its newest SDP, in which it numbered no packets: by the second it sends only while it
                              speaks (DTX), while one may have been a hold */
    int64_t came;          /* the newest packet of any kind, ns */
    uint64_t stream_packets;
    uint64_t lost_before, expected_before; /* in earlier streams */
    struct quality quality;
    uint64_t late;         /* too late to be heard */
    uint32_t late_told;
    uint32_t expected_prior, received_prior;
    int64_t heard;         /* RTP or RTCP, ns; 0: never */
    uint32_t tap_from, tap_at; /* a timestamp, and what it is at 8 kHz in a recording */
    uint32_t sr_middle;    /* middle 32 bits of the newest SR */
    uint32_t sr_ssrc;
    int64_t sr_arrival;
    uint64_t reported;     /* packets when the last report block was sent */
};

struct transmission {
    bool started;
    uint32_t ssrc;
    uint16_t sequence;   /* of the newest packet */
    uint32_t timestamp;  /* of it */
    uint32_t duration;   /* of it, on its clock */
    int64_t at;          /* when it went, ns */
    bool gap;            /* the next packet begins a talkspurt */
    uint64_t packets, octets;
    uint64_t refused;    /* packets that the other host or the network refused, as far as it said so */
    bool mixing;         /* the newest packet was made by a tick */
    bool pressing;       /* a key is sent instead of audio */
    /* while one source is forwarded */
    uint32_t from_stream; /* 0: none */
    uint16_t sequence_offset, sequence_base;
    uint32_t timestamp_offset;
    uint8_t odd;    /* packets in a row that had another length than the party asked for */
    bool reframing; /* it gets them in its own (forward.c) */
    uint16_t source_sequence;                     /* that comes next, of the source */
    uint32_t source_timestamp, pending_timestamp; /* that comes next, and of what waits, on our timeline */
};

/* What the party's reports say of how our stream reaches it, and when ours went (report.c). */
struct reports {
    struct node turn;     /* in its slot of engine->reports */
    int64_t due;          /* the next one, ns; 0: none was sent yet */
    uint8_t cname[CNAME];
    uint64_t sent_then, sent_before; /* our packets at the last report and at the one before */
    struct {
        uint32_t middle; /* of its NTP time */
        int64_t at;
    } senders[4]; /* our newest SRs */
    unsigned sender_count;
    int64_t round_trip; /* ns, -1: not known */
    uint64_t about_us;  /* blocks received */
    uint8_t fraction_lost;
    int32_t lost;
    uint32_t jitter;
    bool metrics_known, metrics_wanted;
    struct voip_metrics metrics;
};

/* Whether a party that is in a conversation can be heard (watch.c). */
struct watch {
    int64_t since; /* when the conversation began, or the last one sound; 0: there is none */
    uint64_t packets, unknown, malformed, unauthentic, unaccepted; /* then */
    bool sound;         /* what comes is more than digital silence */
    bool judged;        /* what comes is looked at for that */
    uint8_t told;       /* enum hk_unheard, 0: nothing */
    uint8_t returns;    /* times that audio came back */
    uint64_t strangers; /* RTP from elsewhere, so far */
    union address stranger; /* where the newest of it came from */
};

/* Whether what we send reaches a party that is in a conversation (reach.c). */
struct reach {
    bool known;           /* a report showed that it does: what its reports say can be believed */
    bool reported;        /* there was a report about us; `highest` is what the newest one said */
    uint8_t told;         /* enum hk_unreached, 0: nothing */
    uint8_t doubts;       /* reports that say it does not, of a party that never knew of us */
    uint8_t turns;        /* in a row in which we sent */
    uint8_t refusals;     /* in a row in which we were refused */
    uint8_t still;        /* in which we sent, up to TURNS, since a report knew more than the one before it */
    uint16_t sequence[2]; /* ours at the newest turn, and at the one before */
    uint32_t highest;
    uint64_t refused;     /* at the newest turn */
};

struct key {
    bool active, reported;
    uint8_t event, units;
    uint32_t timestamp, ssrc;
    uint32_t duration, before; /* of this segment and of those before it (RFC 4733 section 2.5.1.3) */
    int64_t at;
};

/* Keys that are sent to the party as telephone-events, one after the other (send_keys.c). */
struct press {
    bool active;
    uint8_t event;
    uint8_t ends;             /* end packets still to be sent */
    bool held;                /* by a party whose key it is, until that one lets go */
    bool tones;               /* as tones in the audio */
    uint32_t phase;           /* samples of the tones so far */
    const struct port *from;  /* that party; NULL: our own row */
    uint32_t timestamp;
    uint32_t duration;        /* of this segment, events clock */
    uint32_t left;            /* ticks that it still lasts */
    int pause;                /* ticks until the next may begin */
    char waiting[PRESSES];
    int waiting_count;
    struct node all;          /* among engine->pressing while there is something to do */
};

/* A packet whose number is far from where the stream was, kept until the next one says whether that began anew there. */
struct doubted {
    size_t size;
    uint8_t data[DATAGRAM];
};

/* What a source sounds like at one sampling rate in this tick. */
struct voice {
    uint64_t tick;
    bool there;
    struct resampler resampler;
    int16_t frame[LARGEST_FRAME];
};

enum hearing { HEARS_NOTHING, HEARS_ONE, HEARS_MIX };

/* In the order of use: what a forwarded packet needs lies in a few neighbouring cache lines. */
struct port {
    struct object object;
    enum hearing hearing;
    int mixed_listeners;
    /* It is to hear a mix, and gets this source's packets as they come until the mix can go on from there. */
    const struct port *handover;
    int handover_ticks;
    int returning; /* ticks that it hears a mix of one source, which waits for a pause to be forwarded again; 0: no */
    int tap_rate; /* that recorders want at most */
    struct node heard_by, taps, detectors;
    struct endpoint rtp;
    /* On the same local address as `rtp`, connected to where we send: saves the kernel a route for each packet. What
     * the party sends arrives here, what strangers send at `rtp`; both are read alike. */
    struct endpoint twin;
    union address twin_to;
    int twin_turns; /* since it was connected */
    struct port_config config;
    struct source_rule rule;
    struct reception in;
    struct transmission out;
    bool silent_told;
    struct crypto *protect, *unprotect; /* NULL: plain RTP */
    struct crypto *before;              /* what `unprotect` was before the last change; until then still used */
    int64_t before_until;
    /* seldom */
    struct endpoint rtcp;
    struct key key;
    struct node hears, turn, keys, mixed, dirty, overtaking;
    int turns;
    int64_t expecting; /* since when we may expect to hear something, ns */
    uint64_t told_packets, told_sent;
    struct press press;
    struct reports reports;
    struct watch watch;
    struct reach reach;
    struct codecs *codecs;
    int mix_rate;          /* of what it hears as a mix */
    int opus_rate;         /* that its listeners need of it */
    int quiet_ticks;       /* of silence sent */
    uint64_t played;       /* tick that was taken from `playout` last */
    int native;            /* rate of what was taken, 0: nothing to hear */
    size_t pending_size;   /* bytes of G.711, samples of others */
    /* From here on not cleared when a port is made: memory that is touched only by who is mixed. */
    union {
        uint8_t bytes[CODEC_LARGEST];
        int16_t samples[4 * LARGEST_FRAME];
    } pending;
    struct voice voices[RATES];
    struct playout playout;
    struct doubted doubted; /* holds when in.bad_known */
};

void port_lists(struct port *port);

#endif
