/* Comfort noise, RFC 3389. */
#include <math.h>
#include <string.h>

#include "noise.h"

void noise_learn(struct noise *noise, const uint8_t *payload, size_t size)
{
    int level = size ? payload[0] & 0x7f : 127;
    /* 0 dBov is a full-scale square wave; a uniform distribution of amplitude a has a rms of a / sqrt(3). */
    noise->level = level >= 90 ? 0 : (int)(32767 * powf(10, -(float)level / 20) * 1.732f);
    noise->order = size > 12 ? 11 : size > 1 ? (int)size - 1 : 0;
    float left = 1; /* of the power, after the filter took its part */
    for (int i = 0; i < noise->order; i++) {
        float k = (float)((payload[i + 1] & 0xff) - 127) / 128;
        k = k > 0.98f ? 0.98f : k < -0.98f ? -0.98f : k;
        noise->reflection[i] = k;
        left *= 1 - k * k;
    }
    noise->level = (int)((float)noise->level * sqrtf(left));
}

void noise_add(struct noise *noise, int16_t *out, int n)
{
    for (int i = 0; i < n; i++) {
        noise->random = noise->random * 1664525u + 1013904223u;
        float value = (float)(int32_t)noise->random / 2147483648.0f * (float)noise->level;
        for (int k = noise->order; k > 0; k--) { /* all-pole lattice */
            value -= noise->reflection[k - 1] * noise->state[k - 1];
            noise->state[k] = noise->state[k - 1] + noise->reflection[k - 1] * value;
        }
        noise->state[0] = value;
        float sum = value + (float)out[i];
        out[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
    }
}
