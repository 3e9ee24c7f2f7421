#include "rtcp.h"

#include <string.h>

#include "wire.h"

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203, RTCP_XR = 207 };
enum { XR_VOIP_METRICS = 7, METRICS_SIZE = 36 };

/* --- reading --- */
static void read_blocks(const uint8_t *block, unsigned count, uint32_t ours, struct rtcp_report *report)
{
    for (unsigned i = 0; i < count; i++, block += 24) {
        if (get32(block) != ours) {
            report->about_others = true;
            continue;
        }
        report->about_us = true;
        report->fraction_lost = block[4];
        uint32_t lost = get32(block + 4) & 0xffffff;
        report->lost = (int32_t)(lost & 0x800000 ? lost | 0xff000000u : lost);
        report->highest = get32(block + 8);
        report->jitter = get32(block + 12);
        report->last_sr = get32(block + 16);
        report->delay = get32(block + 20);
    }
}

static bool read_report(const uint8_t *packet, size_t length, bool sender, uint32_t ours, struct rtcp_report *report)
{
    unsigned count = packet[0] & 0x1f;
    size_t head = sender ? 28 : 8;
    if (length < head + 24u * count)
        return false;
    report->ssrc = get32(packet + 4);
    if (sender) {
        report->sender = true;
        report->ntp_seconds = get32(packet + 8);
        report->ntp_fraction = get32(packet + 12);
        report->rtp_time = get32(packet + 16);
    }
    read_blocks(packet + head, count, ours, report);
    return true;
}

static void read_metrics(const uint8_t *block, struct rtcp_report *report)
{
    struct voip_metrics *metrics = &report->metrics;
    report->metrics_about_us = true;
    metrics->loss_rate = block[8];
    metrics->discard_rate = block[9];
    metrics->burst_density = block[10];
    metrics->gap_density = block[11];
    metrics->burst_duration = get16(block + 12);
    metrics->gap_duration = get16(block + 14);
    metrics->round_trip = get16(block + 16);
    metrics->end_system_delay = get16(block + 18);
    metrics->gmin = block[23];
    metrics->mos_listening = block[26];
    metrics->mos_conversational = block[27];
    metrics->config = block[28];
    metrics->buffer_nominal = get16(block + 30);
    metrics->buffer_maximum = get16(block + 32);
    metrics->buffer_absolute = get16(block + 34);
}

/* Blocks of unknown types are passed over (RFC 3611 section 2). */
static bool read_extended(const uint8_t *packet, size_t length, uint32_t ours, struct rtcp_report *report)
{
    if (length < 8)
        return false;
    for (size_t at = 8; at < length;) {
        size_t size = ((size_t)get16(packet + at + 2) + 1) * 4;
        if (size > length - at)
            return false;
        if (packet[at] == XR_VOIP_METRICS && size == METRICS_SIZE && get32(packet + at + 4) == ours)
            read_metrics(packet + at, report);
        at += size;
    }
    return true;
}

static bool read_one(const uint8_t *packet, size_t length, uint32_t ours, struct rtcp_report *report)
{
    switch (packet[1]) {
    case RTCP_SR:
    case RTCP_RR:
        return read_report(packet, length, packet[1] == RTCP_SR, ours, report);
    case RTCP_XR:
        return read_extended(packet, length, ours, report);
    case RTCP_BYE:
        report->bye = true;
        return length >= 4 + 4u * (packet[0] & 0x1f);
    default:
        return true;
    }
}

bool rtcp_parse(const uint8_t *data, size_t size, uint32_t ours, struct rtcp_report *report)
{
    memset(report, 0, sizeof *report);
    /* First a report without padding: keeps what is no RTCP from being taken for it. */
    if (size < 8 || (data[0] & 0x20) || (data[1] != RTCP_SR && data[1] != RTCP_RR))
        return false;
    for (size_t at = 0; at < size;) {
        if (size - at < 4 || data[at] >> 6 != 2)
            return false;
        const uint8_t *packet = data + at;
        size_t length = ((size_t)get16(packet + 2) + 1) * 4;
        if (length > size - at || packet[1] < 192 || packet[1] > 223 || !read_one(packet, length, ours, report))
            return false;
        at += length;
    }
    return true;
}

/* --- writing --- */
static size_t write_report(uint8_t *data, const struct rtcp_own *own)
{
    size_t at = own->sender ? 28 : 8;
    data[0] = (uint8_t)(0x80 | (own->heard ? 1 : 0));
    data[1] = own->sender ? RTCP_SR : RTCP_RR;
    put32(data + 4, own->ssrc);
    if (own->sender) {
        put32(data + 8, own->ntp_seconds);
        put32(data + 12, own->ntp_fraction);
        put32(data + 16, own->rtp_time);
        put32(data + 20, own->packets);
        put32(data + 24, own->octets);
    }
    if (own->heard) {
        int32_t lost = own->lost > 0x7fffff ? 0x7fffff : own->lost < -0x800000 ? -0x800000 : own->lost;
        put32(data + at, own->source);
        put32(data + at + 4, (uint32_t)own->fraction_lost << 24 | ((uint32_t)lost & 0xffffff));
        put32(data + at + 8, own->highest);
        put32(data + at + 12, own->jitter);
        put32(data + at + 16, own->last_sr);
        put32(data + at + 20, own->delay);
        at += 24;
    }
    put16(data + 2, (uint16_t)(at / 4 - 1));
    return at;
}

static size_t write_cname(uint8_t *data, const struct rtcp_own *own)
{
    enum { SIZE = 28 }; /* header, SSRC, item, and the end with its padding */
    data[0] = 0x81;
    data[1] = RTCP_SDES;
    put16(data + 2, SIZE / 4 - 1);
    put32(data + 4, own->ssrc);
    data[8] = 1;
    data[9] = CNAME;
    memcpy(data + 10, own->cname, CNAME);
    return SIZE;
}

static size_t write_metrics(uint8_t *data, const struct rtcp_own *own)
{
    const struct voip_metrics *metrics = own->metrics;
    uint8_t *block = data + 8;
    data[0] = 0x80;
    data[1] = RTCP_XR;
    put16(data + 2, (8 + METRICS_SIZE) / 4 - 1);
    put32(data + 4, own->ssrc);
    block[0] = XR_VOIP_METRICS;
    put16(block + 2, METRICS_SIZE / 4 - 1);
    put32(block + 4, own->source);
    block[8] = metrics->loss_rate;
    block[9] = metrics->discard_rate;
    block[10] = metrics->burst_density;
    block[11] = metrics->gap_density;
    put16(block + 12, metrics->burst_duration);
    put16(block + 14, metrics->gap_duration);
    put16(block + 16, metrics->round_trip);
    put16(block + 18, metrics->end_system_delay);
    block[20] = block[21] = block[22] = METRIC_UNKNOWN; /* levels of speech, noise, echo */
    block[23] = metrics->gmin;
    block[24] = block[25] = METRIC_UNKNOWN; /* R */
    block[26] = metrics->mos_listening;
    block[27] = metrics->mos_conversational;
    block[28] = metrics->config;
    put16(block + 30, metrics->buffer_nominal);
    put16(block + 32, metrics->buffer_maximum);
    put16(block + 34, metrics->buffer_absolute);
    return 8 + METRICS_SIZE;
}

size_t rtcp_write(uint8_t *data, const struct rtcp_own *own)
{
    memset(data, 0, RTCP_LARGEST);
    size_t at = write_report(data, own);
    at += write_cname(data + at, own);
    if (own->metrics)
        at += write_metrics(data + at, own);
    if (own->bye) {
        data[at] = 0x81;
        data[at + 1] = RTCP_BYE;
        put16(data + at + 2, 1);
        put32(data + at + 4, own->ssrc);
        at += 8;
    }
    return at;
}
