#include "wav.h"

#include <string.h>

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint32_t get16(const uint8_t *p) { return (uint32_t)p[1] << 8 | p[0]; }

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

static int64_t get64(const uint8_t *p) { return (int64_t)((uint64_t)get32(p + 4) << 32 | get32(p)); }

static uint8_t *put64(uint8_t *p, int64_t v)
{
    return put32(put32(p, (uint32_t)v), (uint32_t)((uint64_t)v >> 32));
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    *p++ = (uint8_t)v;
    *p++ = (uint8_t)(v >> 8);
    return p;
}

static uint8_t *put_text(uint8_t *p, const char *four)
{
    memcpy(p, four, 4);
    return p + 4;
}

static bool good_format(const uint8_t *fmt, size_t size)
{
    if (size < 16)
        return false;
    uint32_t tag = get16(fmt);
    /* WAVE_FORMAT_EXTENSIBLE carries the tag as the first two bytes of its GUID. */
    if (tag == 0xfffe && size >= 26)
        tag = get16(fmt + 24);
    return tag == 1 && get16(fmt + 2) == 1 && get32(fmt + 4) == 8000 && get16(fmt + 14) == 16;
}

bool wav_parse(const uint8_t *data, size_t size, struct wav_audio *audio)
{
    bool format = false;
    if (size < 12 || memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
        return false;
    for (size_t at = 12; size - at >= 8;) {
        size_t length = get32(data + at + 4), rest = size - at - 8;
        const uint8_t *body = data + at + 8;
        if (memcmp(data + at, "data", 4) == 0) {
            audio->start = at + 8;
            audio->samples = (length < rest ? length : rest) / 2;
            return format;
        }
        if (length > rest)
            return false;
        if (memcmp(data + at, "fmt ", 4) == 0 && !(format = good_format(body, length)))
            return false;
        at += 8 + length;
        if (length % 2 && at < size)
            at++;
    }
    return false;
}

/* The moment is a chunk of ours, right before the samples' own: players skip what they do not know. */
enum { MOMENT = WAV_HEADER - 8 - 24, SIZES = 4 };

void wav_header(uint8_t header[WAV_HEADER], const char *comment, uint32_t rate, uint32_t frames,
                const struct wav_moment *moment)
{
    uint32_t bytes = frames * WAV_FRAME;
    uint8_t *p = header;
    memset(header, 0, WAV_HEADER);
    p = put32(put_text(p, "RIFF"), WAV_HEADER - 8 + bytes);
    p = put32(put_text(put_text(p, "WAVE"), "fmt "), 16);
    p = put16(put16(p, 1), 2);
    p = put32(put32(p, rate), rate * WAV_FRAME);
    p = put16(put16(p, WAV_FRAME), 16);
    p = put32(put_text(p, "LIST"), MOMENT - 8 - 36 - 8);
    p = put_text(p, "INFO");
    p = put_text(put32(put_text(p, "ISFT"), 6), "Hako") + 2;
    p = put32(put_text(p, "ICMT"), WAV_COMMENT + 1);
    size_t length = strlen(comment);
    memcpy(p, comment, length < WAV_COMMENT ? length : WAV_COMMENT);
    p = put32(put_text(header + MOMENT - 8, "hako"), 24);
    put32(put64(put64(p, moment->frames), moment->at), moment->passing);
    put32(put_text(header + WAV_HEADER - 8, "data"), bytes);
}

bool wav_is_ours(const uint8_t header[WAV_HEADER], const char *comment, uint32_t rate, struct wav_moment *moment)
{
    uint8_t same[WAV_HEADER], read[WAV_HEADER];
    moment->frames = get64(header + MOMENT);
    moment->at = get64(header + MOMENT + 8);
    moment->passing = get32(header + MOMENT + 16) == 1;
    wav_header(same, comment, rate, 0, moment);
    memcpy(read, header, WAV_HEADER);
    memcpy(read + SIZES, same + SIZES, 4);
    memcpy(read + WAV_HEADER - SIZES, same + WAV_HEADER - SIZES, 4);
    return memcmp(read, same, WAV_HEADER) == 0;
}
