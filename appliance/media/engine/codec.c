#include "codec.h"

#ifdef HAKO_WITHOUT_OPUS
#include "no_opus.h"
#else
#include <opus/opus.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "g711.h"

/* Of Opus' ten: what is heard of a higher one does not pay for its time (bench/QUALITY.md). */
enum { COMPLEXITY = 3 };

static size_t rounded(int size) { return ((size_t)size + 63) & ~(size_t)63; }

struct codecs *codecs_new(bool opus)
{
    size_t own = rounded(sizeof(struct codecs)), in = 0, out = 0;
    if (opus) {
        in = rounded(opus_decoder_get_size(1));
        out = rounded(opus_encoder_get_size(1));
    }
    struct codecs *codecs = malloc(own + 2 * in + out + sizeof(struct order_memory));
    if (!codecs)
        return NULL;
    memset(codecs, 0, sizeof *codecs);
    codecs->order_memory = (struct order_memory *)((char *)codecs + own + 2 * in + out);
    g722_reset(&codecs->g722_in);
    g722_reset(&codecs->g722_tap);
    g722_reset(&codecs->g722_out);
    if (opus) {
        codecs->opus_in = (OpusDecoder *)((char *)codecs + own);
        codecs->opus_tap = (OpusDecoder *)((char *)codecs + own + in);
        codecs->opus_out = (OpusEncoder *)((char *)codecs + own + 2 * in);
    }
    return codecs;
}

#ifdef HAKO_WITHOUT_OPUS
bool codec_opus_built(void) { return false; }
#else
bool codec_opus_built(void) { return true; }
#endif

int codec_rate(uint8_t codec, uint32_t clock)
{
    switch (codec) {
    case HK_PCMU:
    case HK_PCMA:
        return 8000;
    case HK_G722:
        return 16000;
    case HK_OPUS:
        return 48000;
    case HK_L16:
        return (int)clock;
    default:
        return 0;
    }
}

int codec_duration(uint8_t codec, int units, const uint8_t *payload, size_t size)
{
    if (codec == HK_L16)
        return (int)(size / 2);
    if (codec != HK_OPUS)
        return (int)size * units;
    int samples = opus_packet_get_nb_samples(payload, (opus_int32)size, 48000);
    return samples < 0 ? 0 : samples;
}

static int decode_linear(const uint8_t *payload, size_t size, int16_t *out)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        *out++ = (int16_t)(payload[i] << 8 | payload[i + 1]);
    return (int)(size / 2);
}

static int decode_opus(OpusDecoder *decoder, int *now, int rate, const uint8_t *payload, size_t size, int16_t *out)
{
    if (!decoder)
        return 0;
    if (*now != rate) {
        if (opus_decoder_init(decoder, rate, 1) != OPUS_OK)
            return 0;
        *now = rate;
    }
    int samples = opus_decode(decoder, payload, (opus_int32)size, out, rate * 120 / 1000, 0);
    return samples < 0 ? 0 : samples;
}

int codec_decode(struct codecs *codecs, uint8_t codec, int rate, const uint8_t *payload, size_t size, int16_t *out)
{
    if (size == 0 || size > CODEC_LARGEST)
        return 0;
    switch (codec) {
    case HK_PCMU:
    case HK_PCMA:
        g711_decode(codec, out, payload, size);
        return (int)size;
    case HK_L16:
        return decode_linear(payload, size, out);
    case HK_G722:
        if (!codecs)
            return 0;
        g722_decode(&codecs->g722_in, out, payload, size);
        return (int)size * 2;
    case HK_OPUS:
        return codecs ? decode_opus(codecs->opus_in, &codecs->opus_in_rate, rate, payload, size, out) : 0;
    default:
        return 0;
    }
}

static int missing_opus(OpusDecoder *decoder, int rate, const uint8_t *payload, size_t size, int16_t *out, int n)
{
    if (!decoder || !rate || n > rate * 120 / 1000)
        return 0;
    int samples = opus_decode(decoder, payload, (opus_int32)size, out, n, payload != NULL);
    return samples < 0 ? 0 : samples;
}

int codec_opus_missing(struct codecs *codecs, const uint8_t *payload, size_t size, int16_t *out, int n)
{
    return codecs ? missing_opus(codecs->opus_in, codecs->opus_in_rate, payload, size, out, n) : 0;
}

int codec_opus_missing_tap(struct codecs *codecs, const uint8_t *payload, size_t size, int16_t *out, int n)
{
    return missing_opus(codecs->opus_tap, codecs->opus_tap_rate, payload, size, out, n);
}

static int decode_linear_tap(struct codecs *codecs, int from, int *rate, const uint8_t *payload, size_t size, int16_t *out)
{
    int16_t samples[CODEC_LARGEST / 2];
    if (from <= *rate || !codecs) {
        *rate = from;
        return decode_linear(payload, size, out);
    }
    int n = decode_linear(payload, size, samples);
    n -= n % (from / *rate);
    return (int)resample(&codecs->tap, out, *rate, samples, (size_t)n, from);
}

int codec_decode_tap(struct codecs *codecs, uint8_t codec, int units, int *rate, const uint8_t *payload, size_t size,
                     int16_t *out)
{
    if (size == 0 || size > CODEC_LARGEST)
        return 0;
    switch (codec) {
    case HK_PCMU:
    case HK_PCMA:
        *rate = 8000;
        g711_decode(codec, out, payload, size);
        return (int)size;
    case HK_G722:
        if (!codecs)
            return 0;
        if (*rate == 16000)
            g722_decode(&codecs->g722_tap, out, payload, size);
        else
            g722_decode_narrow(&codecs->g722_tap, out, payload, size);
        return (int)size * (*rate / 8000);
    case HK_OPUS:
        return codecs ? decode_opus(codecs->opus_tap, &codecs->opus_tap_rate, *rate, payload, size, out) : 0;
    case HK_L16:
        return decode_linear_tap(codecs, 8000 * units, rate, payload, size, out);
    default:
        return 0;
    }
}

/* --- coding --- */
static bool begin_opus(struct codecs *codecs, int rate)
{
    OpusEncoder *encoder = codecs->opus_out;
    if (opus_encoder_init(encoder, rate, 1, OPUS_APPLICATION_VOIP) != OPUS_OK)
        return false;
    codecs->opus_out_rate = rate;
    opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
    opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(encoder, OPUS_SET_BITRATE(rate == 8000 ? 20000 : rate == 16000 ? 28000 : 40000));
    opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(codecs->loss));
    return true;
}

static void catch_up(struct codecs *codecs)
{
    g722_reset(&codecs->g722_out);
    g722_follow(&codecs->g722_out, codecs->passed, codecs->passed_size);
    codecs->passed_size = 0;
}

int codec_encode(struct codecs *codecs, uint8_t codec, int rate, const int16_t *in, int n, uint8_t *out)
{
    switch (codec) {
    case HK_PCMU:
    case HK_PCMA:
        g711_encode(codec, out, in, (size_t)n);
        return n;
    case HK_L16:
        for (int i = 0; i < n; i++) {
            out[2 * i] = (uint8_t)((uint16_t)in[i] >> 8);
            out[2 * i + 1] = (uint8_t)in[i];
        }
        return 2 * n;
    case HK_G722:
        if (!codecs)
            return 0;
        if (codecs->passed_size)
            catch_up(codecs);
        g722_encode(&codecs->g722_out, out, in, (size_t)n);
        return n / 2;
    case HK_OPUS:
        if (!codecs || !codecs->opus_out || (codecs->opus_out_rate != rate && !begin_opus(codecs, rate)))
            return 0;
        int bytes = opus_encode(codecs->opus_out, in, n, out, CODEC_BYTES);
        return bytes < 0 ? 0 : bytes;
    default:
        return 0;
    }
}

void codec_report_loss(struct codecs *codecs, int percent)
{
    if (!codecs || percent == codecs->loss)
        return;
    codecs->loss = percent;
    if (codecs->opus_out && codecs->opus_out_rate)
        opus_encoder_ctl(codecs->opus_out, OPUS_SET_PACKET_LOSS_PERC(percent));
}

void codec_pass(struct codecs *codecs, uint8_t codec, const uint8_t *payload, size_t size)
{
    if (!codecs || codec != HK_G722)
        return;
    size_t n = size < CODEC_PASSED ? size : CODEC_PASSED, room = CODEC_PASSED - n;
    size_t keep = codecs->passed_size < room ? codecs->passed_size : room;
    memmove(codecs->passed, codecs->passed + codecs->passed_size - keep, keep);
    memcpy(codecs->passed + keep, payload + size - n, n);
    codecs->passed_size = keep + n;
}

void codec_begin_decoding(struct codecs *codecs)
{
    if (!codecs)
        return;
    g722_reset(&codecs->g722_in);
    codecs->opus_in_rate = 0;
}
