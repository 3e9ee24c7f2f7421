/* What a port sends: packets forwarded as they come, and such that are made here. */
#ifndef HAKO_SEND_H
#define HAKO_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "port.h"
#include "rtp.h"

/* --- forward.c --- */
/* Sends on what `from` received. The RTP_HEADER bytes before `payload` are overwritten. */
void port_forward(hk_engine *engine, struct port *to, const struct port *from, const struct rtp_packet *packet,
                  uint8_t *payload, uint8_t codec, uint8_t units);
/* Sends what waits for a packet of the party's length to become whole. */
void forward_rest(hk_engine *engine, struct port *to);

/* --- send.c --- */
bool port_can_send(const struct port *port);
const union address *port_destination(const struct port *port);
/* A whole packet, encrypted where that is agreed. False: it could not be sent. */
bool port_transmit(hk_engine *engine, struct port *port, const uint8_t *packet, size_t size);
/* Notes the newest packet of the timeline. */
void port_sent(struct port *port, uint16_t sequence, uint32_t timestamp, uint32_t duration, int64_t now);
/* Sends `n` bytes of audio as the packet with the next number. False: it could not be sent. */
bool port_send_next(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t *audio, size_t n,
                    uint32_t duration);
/* Takes one tick of audio at the port's mix rate and sends it as packets of the port's length. */
void port_send_audio(hk_engine *engine, struct port *port, const int16_t *samples, bool silent);
/* Sends one tick of audio in place of what the party would hear; `rate` as port_tone_rate() says. */
void port_send_tone(hk_engine *engine, struct port *port, const int16_t *samples, int rate);
/* Samples a second that the port's codec takes now. */
int port_tone_rate(const struct port *port);
/* Sends one telephone-event packet. */
void port_send_event(hk_engine *engine, struct port *port, bool marker, uint32_t timestamp, const uint8_t payload[4]);
/* The RTP timestamp of this moment on the port's outgoing timeline. */
uint32_t port_timestamp(const struct port *port, int64_t now);

#endif
