/* Keys: telephone-events received, and keys sent as telephone-events or tones. */
#ifndef HAKO_KEYS_H
#define HAKO_KEYS_H

#include <stdint.h>

#include "engine.h"
#include "port.h"
#include "rtp.h"

/* --- key.c: telephone-events received --- */
/* `units`: clock of the event, times 8000 Hz. */
void key_event(hk_engine *engine, struct port *port, const struct rtp_packet *packet, uint8_t units, const uint8_t *data);
void key_tick(hk_engine *engine);

/* --- press.c: keys sent, as telephone-events or tones --- */
/* The keys of a row, to be sent one after the other. */
void press_keys(hk_engine *engine, struct port *port, const char *keys);
/* A party whose events are not forwarded as they are pressed a key, or let go of it: those who hear it get it. */
void press_relay(hk_engine *engine, const struct port *from, uint8_t event);
/* The same for a key that is heard as a tone; parties who hear the tone itself need no other. */
void press_relay_tone(hk_engine *engine, const struct port *from, uint8_t event);
void press_release(hk_engine *engine, const struct port *from);
void press_tick(hk_engine *engine);
void press_forget(hk_engine *engine, struct port *port);

#endif
