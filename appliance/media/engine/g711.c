#include "g711.h"

#include <string.h>

#include "engine.h"

int16_t g711_ulaw_linear[256];
int16_t g711_alaw_linear[256];
uint8_t g711_ulaw_alaw[256];
uint8_t g711_alaw_ulaw[256];
/* By the upper 14 (µ-law) or 13 (A-law) bits, which is all that G.711 keeps. */
static uint8_t linear_ulaw[1 << 14];
static uint8_t linear_alaw[1 << 13];

static int16_t ulaw_value(uint8_t code)
{
    code = (uint8_t)~code;
    int magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
    return (int16_t)(code & 0x80 ? -magnitude : magnitude);
}

static int16_t alaw_value(uint8_t code)
{
    code ^= 0x55;
    int segment = (code & 0x70) >> 4, magnitude = ((code & 0x0f) << 4) + 8;
    if (segment > 0)
        magnitude = (magnitude + 0x100) << (segment - 1);
    return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}

static uint8_t ulaw_code(int linear)
{
    int sign = linear < 0 ? 0x80 : 0, magnitude = (linear < 0 ? -linear : linear) + 0x84, segment = 0;
    if (magnitude > 0x7fff)
        magnitude = 0x7fff;
    while (segment < 7 && magnitude >= (0x100 << segment))
        segment++;
    return (uint8_t) ~(sign | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f));
}

static uint8_t alaw_code(int linear)
{
    int sign = linear >= 0 ? 0x80 : 0, magnitude = linear >= 0 ? linear : -linear - 1, segment = 0;
    if (magnitude > 0x7fff)
        magnitude = 0x7fff;
    while (segment < 7 && magnitude >= (0x100 << segment))
        segment++;
    int low = segment == 0 ? magnitude >> 4 : magnitude >> (segment + 3);
    return (uint8_t)((sign | (segment << 4) | (low & 0x0f)) ^ 0x55);
}

void g711_init(void)
{
    for (int i = 0; i < 1 << 14; i++)
        linear_ulaw[i] = ulaw_code((int16_t)(i << 2));
    for (int i = 0; i < 1 << 13; i++)
        linear_alaw[i] = alaw_code((int16_t)(i << 3));
    for (int i = 0; i < 256; i++) {
        g711_ulaw_linear[i] = ulaw_value((uint8_t)i);
        g711_alaw_linear[i] = alaw_value((uint8_t)i);
        g711_ulaw_alaw[i] = alaw_code(g711_ulaw_linear[i]);
        g711_alaw_ulaw[i] = ulaw_code(g711_alaw_linear[i]);
    }
}

void g711_decode(int codec, int16_t *out, const uint8_t *in, size_t n)
{
    const int16_t *table = codec == HK_PCMA ? g711_alaw_linear : g711_ulaw_linear;
    for (size_t i = 0; i < n; i++)
        out[i] = table[in[i]];
}

void g711_encode(int codec, uint8_t *out, const int16_t *in, size_t n)
{
    if (codec == HK_PCMA)
        for (size_t i = 0; i < n; i++)
            out[i] = linear_alaw[(uint16_t)in[i] >> 3];
    else
        for (size_t i = 0; i < n; i++)
            out[i] = linear_ulaw[(uint16_t)in[i] >> 2];
}
