/* The whole contract of the media engine.
 *
 * Two threads live behind it: the engine thread (sockets, 20 ms ticks, everything audible) and the writer thread
 * (recordings). The caller is a third, the command side; every function here belongs to that one thread.
 * Rows are put and dropped by id, then made visible as one change by hk_commit(). All memory, sockets and sound files
 * a row needs are got here, on the command side; the engine thread allocates nothing and touches no file.
 * Times are seconds unless named otherwise. */
#ifndef HAKO_ENGINE_H
#define HAKO_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* build.py reads what stands between these two marks. */
/* contract-begin */
typedef struct hk_engine hk_engine;

enum hk_codec {
    HK_NONE = 0,
    HK_PCMU = 1,
    HK_PCMA = 2,
    HK_EVENTS = 3, /* telephone-event, RFC 4733 */
    HK_CN = 4,     /* comfort noise, RFC 3389 */
    HK_G722 = 5,
    HK_OPUS = 6,
    HK_L16 = 7 /* 8, 16 or 48 kHz, one channel */
};

struct hk_payload {
    uint8_t number; /* RTP payload type 0..127 */
    uint8_t codec;  /* enum hk_codec; HK_NONE: not negotiated */
    uint32_t clock; /* of its RTP timestamps, Hz: 8000 (also for G.722), 16000 or 48000; others are not taken */
};

/* SRTP suites (RFC 4568 section 6.2, RFC 7714 section 14.2). */
enum hk_suite {
    HK_PLAIN = 0, /* RTP as it is */
    HK_AES_CM_128_HMAC_SHA1_80 = 1,
    HK_AES_CM_128_HMAC_SHA1_32 = 2,
    HK_AEAD_AES_128_GCM = 3
};

/* A master key of 16 bytes and its salt behind it: 14 bytes, with GCM 12. */
struct hk_keys {
    uint8_t suite; /* enum hk_suite */
    uint8_t key[30];
};

/* An RTP stream with one remote party. */
struct hk_port {
    int64_t id;
    char local_host[48]; /* numeric IPv4 or IPv6 */
    uint16_t local_port; /* RTP; RTCP is bound on the next one */
    uint8_t dscp;        /* of what is sent, 0..63; of a new port */
    char remote_host[48];
    uint16_t remote_port; /* 0: not known yet, nothing is sent */
    char remote_rtcp_host[48];
    uint16_t remote_rtcp_port; /* where RTCP goes until some comes; 0: the port after RTP, or with rtcp_mux RTP's own */
    bool rtcp_mux;             /* ours goes from the RTP port (RFC 5761) */
    bool send_metrics;         /* VoIP metrics too (RFC 3611); also when the party sends them */
    uint8_t receive_count;
    struct hk_payload receive[16];
    struct hk_payload send;
    struct hk_payload send_events;
    struct hk_payload send_noise; /* HK_CN: silence towards this party is sent as comfort noise */
    char press[33];               /* the last keys that were to be sent, as telephone-events or tones */
    int64_t press_generation;     /* how many in all: what it has grown by is sent; a new port's count as sent */
    bool press_tones;             /* keys for a party without telephone-events are sent as tones in the audio (Q.23) */
    uint16_t ptime; /* milliseconds, 10..60 */
    bool sending;
    bool receiving;
    double timeout;     /* 0: never silent */
    uint32_t ssrc;      /* of a new port; 0, or `protect` says a suite: the engine chooses, so that a key meets no SSRC twice */
    int64_t generation; /* another one unlocks the source rule */
    struct hk_keys protect;   /* what we send goes as SRTP and SRTCP (RFC 3711) */
    struct hk_keys unprotect; /* what is received must be authentic; keys of before hold for three seconds more */
};

/* `listener` hears `source`. */
struct hk_link {
    int64_t listener;
    int64_t source;
    double gain; /* linear, 0..8 */
};

struct hk_recorder {
    int64_t id;
    const char *path;    /* absolute */
    const char *comment; /* kept in the file; a file with another comment is never written to */
    int64_t left;
    const int64_t *right;
    uint32_t right_count;
    bool running;  /* what is heard goes into the file */
    bool silent;   /* not running, but the time that passes is silence in the file */
    uint32_t rate; /* of the file, 8000 or 16000 (0: 8000); never changes */
};

/* Listens to what a port receives, with a copy and without delaying it. */
struct hk_detector {
    int64_t id;
    int64_t port;
    bool keys;         /* DTMF in the audio: HK_DIGIT with `inband`. Nothing where hk_hears_keys() is false */
    bool tones;        /* HK_TONE */
    bool speech;       /* HK_SPEECH */
    uint16_t hangover; /* milliseconds of silence that end a burst of speech, 10..2000 */
};

enum hk_tone { HK_CNG = 1 /* fax that calls, 1100 Hz */, HK_CED = 2 /* fax or modem that answers, 2100 Hz */, HK_BEEP = 3 };

enum hk_event_kind {
    HK_PLAYER_FINISHED = 1,
    HK_DIGIT = 2,
    HK_PORT_SILENT = 3,
    HK_PORT_STATS = 4,
    HK_RECORDER_STARTED = 5,
    HK_RECORDER_STOPPED = 6,
    /* Of detectors; `id` is the port's, `seconds` counts from the detector's beginning */
    HK_TONE = 7,
    HK_SPEECH = 8,
    HK_PORT_UNHEARD = 9,
    HK_PORT_HEARD = 10, /* again */
    HK_PORT_UNREACHED = 11,
    HK_PORT_REACHED = 12 /* again */
};

/* Why a party that is in a conversation is not heard. */
enum hk_unheard {
    HK_HEARD = 0,
    HK_NO_PACKETS = 1,
    HK_OTHER_SOURCE = 2,   /* some come, but not from the source that was taken */
    HK_OTHER_PAYLOAD = 3,  /* of payload types only that were not negotiated */
    HK_NO_RTP = 4,         /* some come, but they are no RTP */
    HK_UNAUTHENTIC = 5,    /* their authentication fails */
    HK_DIGITAL_SILENCE = 6 /* muted */
};

/* Why a party that is in a conversation hears nothing of us. */
enum hk_unreached {
    HK_REACHED = 0,
    HK_REFUSED = 1,     /* its host, or a network between, refuses our packets (ICMP) */
    HK_NOT_RECEIVED = 2 /* its reports say so */
};

enum hk_stop { HK_ENDED = 0, HK_DISK_FULL = 1, HK_FAILED = 2 };

struct hk_event {
    int32_t kind; /* enum hk_event_kind */
    int64_t id;
    int64_t generation; /* HK_PLAYER_FINISHED */
    char digit;         /* HK_DIGIT */
    bool inband;        /* HK_DIGIT: a tone in the audio, no telephone-event */
    int32_t tone;       /* HK_TONE: enum hk_tone */
    double hertz;       /* HK_TONE */
    bool speaking;      /* HK_SPEECH: a burst began, or ended */
    double level;       /* HK_SPEECH: of its loudest 10 ms; HK_PORT_STATS: of the loudest packet looked at, dBov */
    int32_t milliseconds;
    double seconds; /* HK_PORT_SILENT: of silence; HK_RECORDER_STOPPED: in the file */
    /* HK_PORT_STATS */
    uint64_t packets, bytes, lost, strangers, sent;
    uint64_t unauthentic; /* came from the party's address and were not made with its key: dropped */
    uint64_t repeated;    /* came once more, or far too late: dropped */
    double jitter_ms;
    double last_heard; /* seconds ago, -1: never */
    bool final;
    uint16_t source_port; /* 0: no source yet; HK_PORT_UNHEARD: of the source that was not taken; HK_PORT_UNREACHED: where we
                             send to */
    char source_host[48];
    uint64_t expected;          /* packets, by their numbers; `lost` of them */
    uint64_t late;              /* too late to be played out */
    uint64_t decided, gone, runs; /* packets known to have come or not, those gone, runs of them */
    double playout_ms;          /* delay of the jitter buffer, -1: the stream is forwarded as it comes */
    int32_t codec;              /* enum hk_codec: of the newest audio received */
    double round_trip_ms;       /* -1: not known */
    uint64_t reports;           /* of the party about our stream; the figures below hold when there were some */
    double sent_fraction;       /* lost, 0..1, by the newest of them */
    int64_t sent_lost;
    double sent_jitter_ms;
    double sent_discarded;      /* 0..1, -1: not said (RFC 3611) */
    double sent_delay_ms;       /* of the party's end, jitter buffer and all; -1: not said */
    double sent_mos;            /* as the party sees it; 0: not said */
    /* HK_PORT_UNHEARD */
    int32_t unheard;            /* enum hk_unheard */
    int32_t payload_type;       /* of the newest packet that was not negotiated, -1: none */
    int32_t unreached;          /* HK_PORT_UNREACHED: enum hk_unreached */
    /* HK_RECORDER_STOPPED */
    int32_t reason; /* enum hk_stop */
    int32_t error;  /* errno, 0: none */
    double missing; /* seconds of silence in place of what was lost */
};

/* Figures of the engine itself, since it started. */
struct hk_figures {
    uint64_t ticks;
    uint64_t late_ticks;    /* came more than 5 ms after their time */
    uint64_t lost_ticks;    /* were skipped because the machine stood still */
    uint64_t received;      /* RTP packets taken from sockets */
    uint64_t forwarded;     /* sent on, packet by packet */
    uint64_t mixed;         /* sent by ticks */
    uint64_t invalid;       /* datagrams that were no RTP we negotiated */
    uint64_t send_failed;   /* refused by the kernel */
    uint64_t events_lost;   /* the ring was full */
    uint64_t rows;
    uint64_t wakes;         /* returns of epoll_wait */
};

/* What this build can do. */
enum hk_ability { HK_CAN_OPUS = 1, HK_CAN_SRTP = 2 };

/* The sum of `enum hk_ability`. */
int hk_abilities(void);

/* Starts the threads. NULL and errno when the machine refuses one of them or a descriptor. */
hk_engine *hk_start(void);

/* Drops all rows, completes the recordings, ends the threads. Blocks until the disk is done. Afterwards only events may
 * be taken, and hk_free() called. */
void hk_stop(hk_engine *engine);

/* Frees a stopped engine. */
void hk_free(hk_engine *engine);

/* Becomes readable when there are events; hk_take_events() makes it quiet again. */
int hk_event_fd(hk_engine *engine);

/* Copies up to `max` events, oldest first, and frees what the engine thread has let go. Gives how many. */
int hk_take_events(hk_engine *engine, struct hk_event *events, int max);

/* Makes or changes a port. 0, or -errno when an address is wrong or cannot be bound, or a suite is unknown or not built
 * (EPROTONOSUPPORT): then nothing changes. */
int hk_put_port(hk_engine *engine, const struct hk_port *row);

/* Makes a player of 8 kHz 16-bit mono WAV files, or changes it: with the same generation it plays on. Files that
 * cannot be read or have another format are left out; with none left it is finished at once.
 * Gives how many were left out, or -errno. */
int hk_put_player(hk_engine *engine, int64_t id, int64_t generation, int32_t loop_from, const char **files,
                  uint32_t count);

/* Makes a mix or replaces its links. 0 or -errno. */
int hk_put_mix(hk_engine *engine, int64_t id, const struct hk_link *links, uint32_t count);

/* Makes a recorder or changes who is recorded and whether it runs; path and rate of a recorder never change. 0 or -errno.
 * HK_RECORDER_STOPPED of a dropped one is told when its file is whole on the disk. */
int hk_put_recorder(hk_engine *engine, const struct hk_recorder *row);

/* Makes a detector or changes what it listens for. 0 or -errno. */
int hk_put_detector(hk_engine *engine, const struct hk_detector *row);

/* Whether keys can be found in the audio on this machine (spandsp is there). */
bool hk_hears_keys(void);

/* Drops the row with this id, of whatever kind; an unknown id is ignored. */
void hk_drop(hk_engine *engine, int64_t id);

/* Makes everything put and dropped since the last commit visible to the engine thread as one change. */
void hk_commit(hk_engine *engine);

/* The engine's own figures, a moment ago. */
void hk_read_figures(hk_engine *engine, struct hk_figures *figures);
/* contract-end */

#endif
