/* What is found in received audio: speech, single tones, keys. Each finder is fed 8 kHz samples and knows nothing of RTP.
 * No memory is got here after the beginning, so that the engine thread may feed them. */
#ifndef HAKO_DETECT_H
#define HAKO_DETECT_H

#include <stdbool.h>
#include <stdint.h>

enum { SPEECH_BLOCK = 80 /* samples: 10 ms */, TONE_BLOCK = 160, SPEECH_WINDOWS = 4 };

/* --- speech (detect_speech.c) --- */
struct speech {
    bool speaking;
    int hangover;   /* blocks below the threshold that end a burst */
    int quiet;      /* of them so far */
    int loud;       /* blocks above it that may begin one */
    float smooth;   /* power, smoothed */
    float lowest[SPEECH_WINDOWS]; /* of it in the last windows; [0] is the present one */
    int in_window;  /* blocks of the present one */
    float peak;     /* power of the loudest block of this burst */
};

enum speech_edge { SPEECH_SAME, SPEECH_BEGAN, SPEECH_ENDED };

/* `hangover`: ms of silence that end a burst. */
void speech_begin(struct speech *speech, int hangover);

/* One block. Where a burst began or ended `*ago` is how many blocks before the end of this one that was. */
enum speech_edge speech_block(struct speech *speech, const int16_t *samples, int *ago);

/* --- single tones (detect_tone.c) --- */
struct tones {
    float hertz;  /* of the run of blocks that sound alike */
    float spread; /* widest distance from it */
    float weakest, loudest, noisiest;
    float last_hertz, last_power, last_beside; /* of the newest block, 0: none yet */
    int blocks, misses;
    bool told;
};

struct found_tone {
    int kind;         /* enum hk_tone, 0: none */
    float hertz;
    int milliseconds; /* so far, for one that goes on */
};

/* One block. */
struct found_tone tones_block(struct tones *tones, const int16_t *samples);

/* --- keys (detect_keys.c) --- */
struct keys;

/* False: the library for it is not on this machine. */
bool keys_possible(void);
/* NULL: not possible, or no memory. */
struct keys *keys_new(void);
void keys_free(struct keys *keys);
/* The key that sounds at the end of these samples, 0: none. `*missed`: one that came and went within them, else 0. */
char keys_feed(struct keys *keys, const int16_t *samples, int n, char *missed);

#endif
