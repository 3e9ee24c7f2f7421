/* Comfort noise (RFC 3389): what a pause of a party that sends none of its own sounds like. */
#ifndef HAKO_NOISE_H
#define HAKO_NOISE_H

#include <stddef.h>
#include <stdint.h>

struct noise {
    int level; /* amplitude before the filter, 0: silence */
    uint32_t random;
    int order;
    float reflection[12], state[13];
};

/* Takes level and spectrum from a payload of any size. */
void noise_learn(struct noise *noise, const uint8_t *payload, size_t size);

/* On top of what is in `out`. */
void noise_add(struct noise *noise, int16_t *out, int n);

#endif
