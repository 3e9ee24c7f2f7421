/* What the files of the engine share. Nothing here is seen outside. */
#ifndef HAKO_INTERNAL_H
#define HAKO_INTERNAL_H

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "align.h"
#include "detect.h"
#include "engine.h"
#include "list.h"
#include "playout.h"
#include "quality.h"
#include "resample.h"
#include "rtcp.h"
#include "rtp.h"
#include "srtp.h"
#include "wav.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_TICK INT64_C(20000000)
#define NS_PER_SAMPLE INT64_C(125000)

enum {
    TICK_SAMPLES = 160, /* at 8 kHz */
    TICKS = 50,         /* a second */
    GAIN_ONE = 4096,
    DATAGRAM = 2048,  /* larger ones are cut by the kernel and fail validation */
    DATAGRAMS = 64,   /* taken from sockets before they are handled */
    WHEEL = 50,       /* ticks in which each port gets its turn for silence and statistics: one second */
    REPORT_TURNS = 5, /* turns between two statistics */
    NEWS_TICKS = 5,   /* ticks within which the command side learns what is not urgent */
    BUCKETS = 4096,
    RING_EVENTS = 1024,
    BLOCK_FRAMES = 2000,  /* a quarter of a second of recording at 8 kHz */
    BLOCK_WINDOW = 4,     /* blocks of a recorder that packets may still fall into */
    BLOCKS_LARGEST = 40,  /* ten seconds waiting for the disk, per recorder at 8 kHz; twice as many at 16 */
    ARENA_BLOCKS = 16384, /* address space for about 400 recorders ten seconds behind; memory only once touched */
    LATENESS = 2400,      /* 1/8000 s between the begin of a packet's sound and the last moment to record it */
    RATES = 3,            /* 8, 16 and 48 kHz */
    LARGEST_FRAME = 960,  /* samples of a tick at the highest of them */
    PRESSES = 32          /* keys that wait to be sent */
};

/* --- addresses (address.c) --- */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* 0 or -EINVAL: not a numeric address. */
int address_parse(union address *address, const char *host, uint16_t port);
socklen_t address_size(const union address *address);
bool address_known(const union address *address);
bool address_same(const union address *a, const union address *b);
bool address_same_host(const union address *a, const union address *b);
uint16_t address_port(const union address *address);
void address_set_port(union address *address, uint16_t port);
void address_text(const union address *address, char *host, size_t size);

/* --- rows --- */
enum kind { PORT = 1, PLAYER, MIX, RECORDER, DETECTOR };

struct object {
    int64_t id;
    enum kind kind;
    struct object *chain; /* next in its bucket */
};

struct link {
    int64_t listener_id, source_id;
    int32_t gain;  /* of GAIN_ONE */
    int32_t level; /* what it is now; goes to `gain` over a tick */
    bool leaving;  /* its mix was taken away; goes when it has faded */
    struct port *listener;
    struct object *source;
    struct node of_listener, of_source, waiting;
};

struct mix {
    struct object object;
    uint32_t count;
    struct link links[];
};

/* What a packet said, for recordings. */
struct said {
    uint32_t stream;    /* timeline of its port */
    uint32_t timestamp; /* at 8 kHz */
    int64_t ago;        /* ns since it came */
    const int16_t *samples;
    int n, rate;        /* rate: 8000, 16000 or less than the recorder's */
};

/* One port's audio going into one side of a recorder. */
struct tap {
    struct recorder *recorder;
    int64_t port_id;
    struct port *port;
    bool right;
    struct align align;
    struct resampler resampler; /* to the recorder's rate */
    struct node of_port, waiting;
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

/* --- sound files (sound.c), command side --- */
struct sound {
    struct sound *next;
    int users;
    uint64_t device, inode, size;
    int64_t changed;
    size_t samples;
    int16_t audio[];
};

struct player {
    struct object object;
    int64_t generation;
    int32_t loop_from;
    uint32_t count, at;
    size_t offset;
    bool finished;
    struct node heard_by, all;
    int16_t frame[TICK_SAMPLES];
    struct voice voices[RATES]; /* [0] unused: files have 8 kHz */
    struct sound *sounds[];
};

/* --- recordings --- */
enum job_kind { JOB_OPEN, JOB_AUDIO, JOB_CLOSE };

struct job {
    struct pass pass;
    enum job_kind kind;
    struct recording *recording;
    int64_t position; /* of the first frame; of JOB_CLOSE the length */
    uint32_t frames;  /* 0: nothing is to be written but `moment` */
    struct wav_moment moment; /* of JOB_AUDIO, JOB_OPEN (then only when) */
};

struct block {
    struct job job;
    int16_t audio[BLOCK_FRAMES * 2];
};

/* The file, owned by the writer thread from JOB_OPEN to JOB_CLOSE. */
struct recording {
    int64_t id;
    char *path;
    char comment[192];
    int rate;
    struct job open, close;
    atomic_int waiting; /* blocks on their way to the disk */
    atomic_bool failed;
    bool running; /* time passed in it when it was opened */
    int64_t missing; /* frames lost by the engine thread; read by the writer at JOB_CLOSE */
    /* of the writer thread alone */
    int fd;
    int64_t offset;  /* frames that were there before */
    int64_t written; /* frames in the file */
    int64_t said;    /* frames the header says */
    int64_t resumed; /* frames of silence for the time nobody recorded */
    struct wav_moment moment; /* that the header says or shall say */
    bool marked;              /* … at once */
    int64_t header_at;
    struct node all;
};

struct recorder {
    struct object object;
    struct recording *recording;
    int scale;        /* its rate, times 8000 Hz */
    bool hears;
    bool passing;     /* time passes in the file: it hears, or is silent for as long as it does not */
    bool ending;      /* time passed until its row went: whoever goes on with the file reckons from there */
    int64_t position; /* frames at `since` */
    int64_t since;    /* ns, while time passes */
    int64_t from;     /* nothing said before this frame is kept */
    int64_t base;     /* position of the first frame of blocks[0] */
    struct block *blocks[BLOCK_WINDOW];
    struct node all;
    uint32_t count;
    struct tap *taps; /* [0] is the left side */
};

/* --- detectors --- */
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

/* --- commands --- */
enum operation { PUT_PORT, CHANGE_PORT, PUT_PLAYER, PUT_MIX, PUT_RECORDER, CHANGE_RECORDER, PUT_DETECTOR, DROP, QUIT };

struct sockets {
    int rtp, twin, rtcp;
};

struct command {
    struct pass pass;
    enum operation operation;
    int64_t id;
    struct object *object;       /* in: the new one; back: the one to free */
    struct port_config *config;  /* CHANGE_PORT */
    struct codecs *codecs;       /* CHANGE_PORT, where it may be the first to need them; back: what was not taken */
    struct sockets sockets;      /* CHANGE_PORT: new ones or -1; back: those to close */
    bool changes_protect, changes_unprotect;
    struct crypto *protect, *unprotect; /* CHANGE_PORT: new ones or NULL, plain from now on; back: those to free */
    struct tap *taps;            /* CHANGE_RECORDER; back: those to free */
    uint32_t count;
    bool running, silent;
};

struct batch {
    struct pass pass;
    struct pass *commands;
};

/* What the command side remembers of a row. */
struct known {
    int64_t id;
    enum kind kind;
    union address local;
    int codecs; /* 2: with Opus */
    uint32_t ssrc; /* it sends with */
    struct hk_keys protect, unprotect;
    struct known *chain;
};

struct event_ring {
    _Atomic uint32_t head, tail; /* taken, filled */
    struct hk_event events[RING_EVENTS];
};

struct datagram {
    struct endpoint *endpoint;
    size_t size;
    union address from;
    uint8_t data[DATAGRAM];
};

struct hk_engine {
    /* shared */
    struct handover batches, done, done_batches, jobs, free_blocks;
    struct event_ring from_engine, from_writer;
    int wake_fd, event_fd, writer_fd, epoll_fd, timer_fd;
    pthread_t engine_thread, writer_thread;
    struct block *arena;
    _Atomic uint64_t lost_events;
    atomic_bool writer_ends;
    struct {
        _Atomic uint64_t ticks, late_ticks, lost_ticks, received, forwarded, mixed, invalid, send_failed, rows, wakes;
    } told;
    /* command side */
    struct known *known[BUCKETS];
    struct pass *uncommitted, *uncommitted_end;
    struct sound *sounds;
    size_t populated, recorders_known;
    int undone; /* drops that the engine thread has not confirmed */
    uint64_t random;
    /* engine thread */
    struct object *objects[BUCKETS];
    struct node waiting_detectors, detectors;
    struct node overtaking; /* ports with packets that wait for others before they are recorded */
    struct node waiting_links, waiting_taps, mixed, keys, dirty, players, recorders, pressing;
    struct pass *leaving; /* commands that took mixes away, until those have faded */
    uint32_t streams;
    struct node wheel[WHEEL], reports[WHEEL];
    unsigned wheel_fill;
    uint64_t dice;
    int64_t now, anchor;
    uint64_t tick;
    struct block *spare;
    size_t fresh; /* blocks of the arena never used */
    struct hk_figures figures;
    uint64_t received_before; /* at the tick before */
    bool events_new;   /* the command side shall look now */
    bool events_later; /* … when it suits: to wake it for each ended call costs more than what it then does */
    bool ticking, quit, busy;
    int taken;
    struct datagram datagrams[DATAGRAMS];
};

/* --- engine.c --- */
int64_t hk_now(void);
void tell(hk_engine *engine, struct event_ring *ring, const struct hk_event *event);
struct object *find_object(hk_engine *engine, int64_t id);
void *engine_main(void *engine);
/* An engine without its threads, and the end of it. NULL and errno: the machine refuses. */
hk_engine *engine_prepare(void);
void engine_release(hk_engine *engine);
/* Every list of an engine, of a port: empty. */
void engine_lists(hk_engine *engine);
void port_lists(struct port *port);
/* What is due each 20 ms. */
void engine_tick(hk_engine *engine);
/* There is something to tick for. */
void start_ticks(hk_engine *engine);

/* --- apply.c: commands, in the engine thread --- */
void apply_batches(hk_engine *engine);

/* --- graph.c: who hears whom --- */
void graph_add_mix(hk_engine *engine, struct mix *mix);
/* From now on its links fade out; the next tick is their last. */
void graph_fade_mix(hk_engine *engine, struct mix *mix);
void graph_remove_mix(hk_engine *engine, struct mix *mix);
void graph_add_taps(hk_engine *engine, struct tap *taps, uint32_t count);
void graph_remove_taps(hk_engine *engine, struct tap *taps, uint32_t count);
/* A recorder's new taps go on where the old ones of the same ports are. */
void graph_inherit_taps(struct tap *to, uint32_t to_count, const struct tap *from, uint32_t from_count);
/* A port or player appeared or goes: links and taps that name it are tied or wait. */
void graph_tie(hk_engine *engine, struct object *object);
void graph_untie(hk_engine *engine, struct object *object);
/* Decides anew how each port that was touched gets what it hears; called once after a batch of changes. */
void graph_settle(hk_engine *engine);
/* What comes from this port is another codec than before: its listeners have to be settled anew. */
void graph_touch_listeners(hk_engine *engine, struct port *source);
/* How this port gets what it hears is to be decided anew. */
void graph_touch(hk_engine *engine, struct port *port);
/* 8000, 16000 or 48000. */
int source_rate(const struct object *source);

/* --- receive.c --- */
void port_read(hk_engine *engine, struct endpoint *endpoint);
void handle_datagrams(hk_engine *engine);
void port_reconfigure(hk_engine *engine, struct port *port, const struct port_config *config);
void port_receive(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from);
uint64_t port_lost(const struct reception *in);
uint64_t port_expected(const struct reception *in);

/* --- secure.c --- */
/* Other keys from now on; what they replace goes back with the command. */
void port_take_keys(hk_engine *engine, struct port *port, struct command *command);
/* Only for ports that have keys, or had some: opens what came, in its place. False: it was none of the party's. */
static inline bool port_is_secure(const struct port *port) { return port->unprotect || port->before; }
bool port_unprotect(hk_engine *engine, struct port *port, uint8_t *data, size_t *size, const union address *from);
bool port_unprotect_report(hk_engine *engine, struct port *port, uint8_t *data, size_t *size);

/* --- key.c: telephone-events received --- */
/* `units`: clock of the event, times 8000 Hz. */
void key_event(hk_engine *engine, struct port *port, const struct rtp_packet *packet, uint8_t units, const uint8_t *data);
void key_tick(hk_engine *engine);

/* --- detect.c --- */
void detect_hear(hk_engine *engine, struct port *port, const struct rtp_packet *packet, const uint8_t *payload,
                 uint8_t codec);
void detect_tick(hk_engine *engine);
void detect_tie(hk_engine *engine, int64_t port);
void detect_untie(hk_engine *engine, struct port *port);
/* `old`: the one it stands for from now on, or NULL. */
void detect_add(hk_engine *engine, struct detector *detector, struct detector *old);
void detect_remove(struct detector *detector);

/* --- forward.c --- */
/* Sends on what `from` received. The RTP_HEADER bytes before `payload` are overwritten. */
void port_forward(hk_engine *engine, struct port *to, const struct port *from, const struct rtp_packet *packet,
                  uint8_t *payload, uint8_t codec, uint8_t units);
/* Sends what waits for a packet of the party's length to become whole. */
void forward_rest(hk_engine *engine, struct port *to);

/* --- send.c --- */
bool port_can_send(const struct port *port);
const union address *port_destination(const struct port *port);
/* A whole packet, encrypted where that is agreed. False: it could not be sent. */
bool port_transmit(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size);
/* Notes the newest packet of the timeline. */
void port_sent(struct port *port, uint16_t sequence, uint32_t timestamp, uint32_t duration, int64_t now);
/* Sends `n` bytes of audio as the packet with the next number. False: it could not be sent. */
bool port_send_next(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t *audio, size_t n,
                    uint32_t duration);
/* Takes one tick of audio at the port's mix rate and sends it as packets of the port's length. */
void port_send_audio(hk_engine *engine, struct port *port, const int16_t *samples, bool silent);
/* Sends one tick of audio in place of what the party would hear; `rate` as port_tone_rate() says. */
void port_send_tone(hk_engine *engine, struct port *port, const int16_t *samples, int rate);
/* Samples a second that the port's codec takes now. */
int port_tone_rate(const struct port *port);
/* Sends one telephone-event packet. */
void port_send_event(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t payload[4]);
/* The RTP timestamp of this moment on the port's outgoing timeline. */
uint32_t port_timestamp(const struct port *port, int64_t now);

/* --- press.c: keys sent, as telephone-events or tones --- */
/* The keys of a row, to be sent one after the other. */
void press_keys(hk_engine *engine, struct port *port, const char *keys);
/* A party whose events are not forwarded as they are pressed a key, or let go of it: those who hear it get it. */
void press_relay(hk_engine *engine, const struct port *from, uint8_t event);
/* The same for a key that is heard as a tone; parties who hear the tone itself need no other. */
void press_relay_tone(hk_engine *engine, const struct port *from, uint8_t event);
void press_release(hk_engine *engine, const struct port *from);
void press_tick(hk_engine *engine);
void press_forget(hk_engine *engine, struct port *port);

/* --- report.c: silence, statistics, RTCP --- */
void port_turn(hk_engine *engine, struct port *port);
/* From now on reports go to the party. */
void report_begin(hk_engine *engine, struct port *port);
/* Sends those that are due in this tick. */
void report_tick(hk_engine *engine);
void port_farewell(hk_engine *engine, struct port *port);
void port_rtcp(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from);

/* --- watch.c: parties that are in a conversation and not heard --- */
void watch_turn(hk_engine *engine, struct port *port);
/* After it; and a report of the party. */
void reach_turn(hk_engine *engine, struct port *port);
void reach_report(hk_engine *engine, struct port *port, const struct rtcp_report *report);
/* RTP came from a source that was not taken. */
void watch_stranger(struct port *port, const union address *from);
/* What the party sends, as long as nothing but digital silence was in it: a payload of G.711, or decoded samples. */
void watch_payload(struct port *port, uint8_t codec, const uint8_t *payload, size_t size);
void watch_samples(struct port *port, const int16_t *samples, size_t n);

/* --- apply.c: after a tick, what faded out goes --- */
void finish_leaving(hk_engine *engine);

/* --- mix.c --- */
void mix_tick(hk_engine *engine);
void player_advance(hk_engine *engine, struct player *player);

/* --- recorder.c: the engine thread's side of recordings --- */
void recorder_start(hk_engine *engine, struct recorder *recorder, bool running, bool silent);
void recorder_run(hk_engine *engine, struct recorder *recorder, bool running, bool silent);
void recorder_end(hk_engine *engine, struct recorder *recorder);
void recorder_tick(hk_engine *engine);
void recorder_hear(hk_engine *engine, struct tap *tap, const struct said *said);

/* --- tap.c: from packets to what is recorded --- */
/* A recorder hears this port now, as the first one. */
void tap_begin(struct port *port);
void tap_hear(hk_engine *engine, struct port *port, const struct rtp_packet *packet, const uint8_t *payload,
              uint8_t codec);
/* What waits for others waits no longer: who records this port is about to change. */
void tap_flush(hk_engine *engine, struct port *port);
void tap_tick(hk_engine *engine);

/* --- writer.c --- */
void *writer_main(void *engine);

/* --- control.c, sockets.c, sound.c: command side --- */
void free_done(hk_engine *engine);
/* Adds QUIT to the commands, after which the engine thread ends. */
int queue_quit(hk_engine *engine);
/* `dscp`: of what is sent, 0..63. 0 or -errno. */
int open_sockets(const union address *local, uint8_t dscp, struct sockets *sockets);
void close_sockets(const struct sockets *sockets);
struct sound *sound_get(hk_engine *engine, const char *path);
void sound_release(hk_engine *engine, struct sound *sound);

#endif
