/* Recorders: from packets to blocks in the engine thread, from blocks to files in the writer thread. */
#ifndef HAKO_RECORDER_H
#define HAKO_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "align.h"
#include "engine.h"
#include "list.h"
#include "object.h"
#include "resample.h"
#include "rtp.h"
#include "wav.h"

struct port;
struct recorder;
struct recording;

enum {
    BLOCK_FRAMES = 2000,  /* a quarter of a second of recording at 8 kHz */
    BLOCK_WINDOW = 4,     /* blocks of a recorder that packets may still fall into */
    BLOCKS_LARGEST = 40,  /* ten seconds waiting for the disk, per recorder at 8 kHz; twice as many at 16 */
    ARENA_BLOCKS = 16384, /* address space for about 400 recorders ten seconds behind; memory only once touched */
    LATENESS = 2400       /* 1/8000 s between the begin of a packet's sound and the last moment to record it */
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
    int64_t told;     /* ns, when the writer was told last how far it is */
    int64_t from;     /* nothing said before this frame is kept */
    int64_t base;     /* position of the first frame of blocks[0] */
    struct block *blocks[BLOCK_WINDOW];
    struct node all;
    uint32_t count;
    struct tap *taps; /* [0] is the left side */
};

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

#endif
