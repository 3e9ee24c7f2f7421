/* WAV files: reading what may be played, writing the header of a recording. No I/O. */
#ifndef HAKO_WAV_H
#define HAKO_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wav_audio {
    size_t start;   /* of the samples, in the file */
    size_t samples; /* 16-bit mono at 8 kHz */
};

/* Finds the samples in a whole file. False: not WAV, or not 8 kHz 16-bit mono PCM. A data chunk that says more than
 * there is counts as far as the file goes. */
bool wav_parse(const uint8_t *data, size_t size, struct wav_audio *audio);

enum {
    WAV_HEADER = 256,       /* of a recording: fixed, so that the samples start on a round address */
    WAV_COMMENT = 256 - 79 - 32, /* bytes of comment that fit */
    WAV_FRAME = 4           /* bytes of one stereo sample */
};

/* How far a recording was at a moment, and whether time passed in it from then on: whoever goes on with the file after
 * a crash knows how long nobody wrote. */
struct wav_moment {
    int64_t frames;
    int64_t at; /* hk_now() */
    bool passing;
};

/* Writes the header of a stereo recording that holds `frames` stereo samples, `rate` a second. */
void wav_header(uint8_t header[WAV_HEADER], const char *comment, uint32_t rate, uint32_t frames,
                const struct wav_moment *moment);

/* True when `header` is one that wav_header() wrote with this comment and rate, whatever its sizes say; gives its
 * moment. */
bool wav_is_ours(const uint8_t header[WAV_HEADER], const char *comment, uint32_t rate, struct wav_moment *moment);

#endif
