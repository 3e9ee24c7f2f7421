/* RTCP (RFC 3550 section 6) with the VoIP metrics block of RFC 3611: reading and writing of compounds, no state. */
#ifndef HAKO_RTCP_H
#define HAKO_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 3611 section 4.7. Rates and densities in 1/256; times in milliseconds. */
struct voip_metrics {
    uint8_t loss_rate, discard_rate, burst_density, gap_density;
    uint16_t burst_duration, gap_duration, round_trip, end_system_delay;
    uint8_t gmin;
    uint8_t mos_listening, mos_conversational; /* times 10; 127: not said */
    uint8_t config;                            /* of the receiver: concealment, jitter buffer */
    uint16_t buffer_nominal, buffer_maximum, buffer_absolute;
};

enum {
    METRIC_UNKNOWN = 127,
    CONCEALMENT_STANDARD = 3 << 6, /* bits of `config` (section 4.7.6) */
    BUFFER_ADAPTIVE = 3 << 4
};

struct rtcp_report {
    bool sender; /* an SR: ntp_* and rtp_time hold */
    bool bye;
    uint32_t ssrc;
    uint32_t ntp_seconds, ntp_fraction, rtp_time;
    bool about_us;     /* a report block about `ours` was in it */
    bool about_others; /* and one about another stream */
    uint8_t fraction_lost;
    int32_t lost;
    uint32_t highest;
    uint32_t jitter;
    uint32_t last_sr, delay;
    bool metrics_about_us;
    struct voip_metrics metrics;
};

/* Reads a compound packet. False: malformed anywhere, or no compound (RFC 3550 A.2); nothing of it counts then. */
bool rtcp_parse(const uint8_t *data, size_t size, uint32_t ours, struct rtcp_report *report);

enum { CNAME = 16 };

/* What a compound of ours says. */
struct rtcp_own {
    uint32_t ssrc;
    bool sender;
    uint32_t ntp_seconds, ntp_fraction, rtp_time;
    uint32_t packets, octets;
    bool heard; /* the block about `source` follows */
    uint32_t source;
    uint8_t fraction_lost;
    int32_t lost;
    uint32_t highest;
    uint32_t jitter;
    uint32_t last_sr, delay;
    const struct voip_metrics *metrics; /* about `source`; NULL: none */
    uint8_t cname[CNAME];
    bool bye;
};

enum { RTCP_LARGEST = 140 };

/* Writes SR or RR, SDES CNAME and, where asked, XR and BYE. Gives the size, at most RTCP_LARGEST. */
size_t rtcp_write(uint8_t *data, const struct rtcp_own *own);

#endif
