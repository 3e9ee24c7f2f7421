#include "rtp.h"

#include "wire.h"

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
