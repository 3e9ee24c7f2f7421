/* ITU-T G.711: µ-law and A-law to and from 16-bit linear, and from one to the other. */
#ifndef HAKO_G711_H
#define HAKO_G711_H

#include <stddef.h>
#include <stdint.h>

extern int16_t g711_ulaw_linear[256];
extern int16_t g711_alaw_linear[256];
extern uint8_t g711_ulaw_alaw[256];
extern uint8_t g711_alaw_ulaw[256];

/* Fills the tables; called once before any thread uses them. */
void g711_init(void);

/* `codec` is HK_PCMU or HK_PCMA. */
void g711_decode(int codec, int16_t *out, const uint8_t *in, size_t n);
void g711_encode(int codec, uint8_t *out, const int16_t *in, size_t n);

#endif
