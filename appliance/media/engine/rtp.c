#include "rtp.h"

#include <string.h>

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

bool rtp_parse(const uint8_t *data, size_t size, struct rtp_packet *packet)
{
    if (size < RTP_HEADER || data[0] >> 6 != 2)
        return false;
    size_t start = RTP_HEADER + 4u * (data[0] & 0x0f), end = size;
    if (data[0] & 0x10) {
        if (start + 4 > end)
            return false;
        start += 4 + 4u * get16(data + start + 2);
    }
    if (start > end)
        return false;
    if (data[0] & 0x20) {
        size_t padding = data[size - 1];
        if (padding == 0 || padding > end - start)
            return false;
        end -= padding;
    }
    packet->marker = data[1] >> 7;
    packet->type = data[1] & 0x7f;
    packet->sequence = get16(data + 2);
    packet->timestamp = get32(data + 4);
    packet->ssrc = get32(data + 8);
    packet->start = start;
    packet->length = end - start;
    return true;
}

void rtp_write(uint8_t *data, bool marker, uint8_t type, uint16_t sequence, uint32_t timestamp, uint32_t ssrc)
{
    data[0] = 0x80;
    data[1] = (uint8_t)((marker ? 0x80 : 0) | type);
    put16(data + 2, sequence);
    put32(data + 4, timestamp);
    put32(data + 8, ssrc);
}

bool rtp_is_rtcp(const uint8_t *data, size_t size)
{
    return size >= 8 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}

bool telephone_event_parse(const uint8_t *payload, size_t size, struct telephone_event *event)
{
    if (size < 4)
        return false;
    event->event = payload[0];
    event->end = payload[1] >> 7;
    event->volume = payload[1] & 0x3f;
    event->duration = get16(payload + 2);
    return true;
}

char telephone_event_digit(uint8_t event) { return event < 16 ? "0123456789*#ABCD"[event] : '\0'; }

int telephone_event_code(char digit)
{
    static const char keys[] = "0123456789*#ABCD";
    for (int event = 0; keys[event]; event++)
        if (keys[event] == digit || (event > 11 && keys[event] + 32 == digit))
            return event;
    return -1;
}

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_SDES = 202, RTCP_BYE = 203 };

static void read_blocks(const uint8_t *block, unsigned count, uint32_t ours, struct rtcp_report *report)
{
    for (unsigned i = 0; i < count; i++, block += 24) {
        if (get32(block) != ours)
            continue;
        report->about_us = true;
        report->fraction_lost = block[4];
        uint32_t lost = get32(block + 4) & 0xffffff;
        report->lost = (int32_t)(lost & 0x800000 ? lost | 0xff000000u : lost);
        report->jitter = get32(block + 12);
        report->last_sr = get32(block + 16);
        report->delay = get32(block + 20);
    }
}

bool rtcp_parse(const uint8_t *data, size_t size, uint32_t ours, struct rtcp_report *report)
{
    memset(report, 0, sizeof *report);
    if (size < 8)
        return false;
    for (size_t at = 0; at < size;) {
        if (size - at < 4 || data[at] >> 6 != 2)
            return false;
        const uint8_t *packet = data + at;
        size_t length = ((size_t)get16(packet + 2) + 1) * 4;
        unsigned count = packet[0] & 0x1f, type = packet[1];
        if (length > size - at || type < 192 || type > 223)
            return false;
        if (type == RTCP_SR) {
            if (length < 28 + 24u * count)
                return false;
            report->sender = true;
            report->ssrc = get32(packet + 4);
            report->ntp_seconds = get32(packet + 8);
            report->ntp_fraction = get32(packet + 12);
            report->rtp_time = get32(packet + 16);
            read_blocks(packet + 28, count, ours, report);
        } else if (type == RTCP_RR) {
            if (length < 8 + 24u * count)
                return false;
            report->ssrc = get32(packet + 4);
            read_blocks(packet + 8, count, ours, report);
        } else if (type == RTCP_BYE) {
            if (length < 4 + 4u * count)
                return false;
            report->bye = true;
        }
        at += length;
    }
    return true;
}

size_t rtcp_write(uint8_t *data, const struct rtcp_own *own)
{
    size_t at = own->sender ? 28 : 8;
    memset(data, 0, RTCP_LARGEST);
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
    /* SDES with CNAME "hako": one per box and random per stream elsewhere would tell no more to a phone. */
    uint8_t *sdes = data + at;
    sdes[0] = 0x81;
    sdes[1] = RTCP_SDES;
    put16(sdes + 2, 3);
    put32(sdes + 4, own->ssrc);
    sdes[8] = 1;
    sdes[9] = 4;
    memcpy(sdes + 10, "hako", 4);
    at += 16;
    if (own->bye) {
        data[at] = 0x81;
        data[at + 1] = RTCP_BYE;
        put16(data + at + 2, 1);
        put32(data + at + 4, own->ssrc);
        at += 8;
    }
    return at;
}
