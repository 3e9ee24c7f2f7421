/* RTP (RFC 3550) and its profile's telephone-event (RFC 4733): reading and writing of packets, no state. */
#ifndef HAKO_RTP_H
#define HAKO_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HEADER = 12 };

struct rtp_packet {
    bool marker;
    uint8_t type;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    size_t start; /* of the payload, from the first byte of the packet; at least RTP_HEADER */
    size_t length;
};

/* False: not RTP version 2, or its lengths contradict each other. */
bool rtp_parse(const uint8_t *data, size_t size, struct rtp_packet *packet);

/* Writes the 12 bytes of a header without CSRC or extension. */
void rtp_write(uint8_t *data, bool marker, uint8_t type, uint16_t sequence, uint32_t timestamp, uint32_t ssrc);

/* True when a datagram on the RTP port is RTCP (RFC 5761 section 4). */
bool rtp_is_rtcp(const uint8_t *data, size_t size);

struct telephone_event {
    uint8_t event;
    bool end;
    uint8_t volume; /* 6 bits, -dBm0 */
    uint16_t duration;
};

/* False: too short (RFC 4733 section 2.3). */
bool telephone_event_parse(const uint8_t *payload, size_t size, struct telephone_event *event);

/* 0123456789*#ABCD; 0 for the events that are no keys. */
char telephone_event_digit(uint8_t event);

/* The event of a key, a-d too; -1: none. */
int telephone_event_code(char digit);

#endif
