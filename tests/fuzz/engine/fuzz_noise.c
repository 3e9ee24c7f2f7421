/* Comfort noise payloads, and the codecs' own reading of what comes: no input may leave the range of a sample buffer. */
#include <stdlib.h>

#include "codec.h"
#include "engine.h"
#include "g711.h"
#include "noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct codecs *codecs;
    static int16_t out[CODEC_LONGEST];
    struct noise noise = {.random = 1};
    if (!codecs) {
        g711_init();
        resample_init();
        codecs = codecs_new(true);
    }
    if (size < 1 || size > CODEC_LARGEST + 1)
        return 0;
    uint8_t codec = data[0] % 8;
    int rate = data[0] & 8 ? 8000 : data[0] & 16 ? 16000 : 48000, units = data[0] & 32 ? 6 : 1;
    noise_learn(&noise, data + 1, size - 1);
    noise_add(&noise, out, 960);
    if (codec_duration(codec, units, data + 1, size - 1) < 0)
        abort();
    if (codec_decode(codecs, codec, rate, data + 1, size - 1, out) > CODEC_LONGEST)
        abort();
    int tap = data[0] & 64 ? 16000 : 8000;
    if (codec_decode_tap(codecs, codec, units, &tap, data + 1, size - 1, out) > CODEC_TAP || tap > 16000)
        abort();
    if (codec == HK_OPUS && size > 1 && codec_opus_missing(codecs, data + 1, size - 1, out, rate / 50) > rate / 50)
        abort();
    return 0;
}
