/* Silence, statistics and RTCP; parties that are not heard, or not reached. */
#ifndef HAKO_REPORT_H
#define HAKO_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "port.h"
#include "rtcp.h"

/* --- report.c: silence, statistics, RTCP --- */
void port_turn(hk_engine *engine, struct port *port);
/* From now on reports go to the party. */
void report_begin(hk_engine *engine, struct port *port);
/* Sends those that are due in this tick. */
void report_tick(hk_engine *engine);
void port_farewell(hk_engine *engine, struct port *port);
void port_rtcp(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from);

/* --- watch.c: parties that are in a conversation and not heard --- */
void watch_turn(hk_engine *engine, struct port *port);
/* After it; and a report of the party. */
void reach_turn(hk_engine *engine, struct port *port);
void reach_report(hk_engine *engine, struct port *port, const struct rtcp_report *report);
/* RTP came from a source that was not taken. */
void watch_stranger(struct port *port, const union address *from);
/* What the party sends, as long as nothing but digital silence was in it: a payload of G.711, or decoded samples. */
void watch_payload(struct port *port, uint8_t codec, const uint8_t *payload, size_t size);
void watch_samples(struct port *port, const int16_t *samples, size_t n);

#endif
