/* Datagrams into a port that has keys: garbage, packets that were made with its key, and such that were damaged on the
 * way. Only what is whole may be heard, whatever comes between.
 * Input: the suite, then for each datagram a byte of length, one of time passed, one of what is done to it, its bytes. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "g711.h"
#include "internal.h"

enum { OUTER = 512, DAMAGED = 1, REPORT = 2, MADE = 4, ELSEWHERE = 8, OTHER_KEYS = 16, PLAIN = 32 };

static hk_engine *engine;
static struct port *port;
static struct hk_keys ours, theirs;

static struct hk_keys keys_of(uint8_t suite, int fill)
{
    struct hk_keys keys = {.suite = suite};
    memset(keys.key, fill, sizeof keys.key);
    return keys;
}

static struct crypto *context(const struct hk_keys *keys, uint32_t ssrc)
{
    int error;
    struct crypto *crypto = crypto_new(keys, ssrc, &error);
    if (!crypto)
        abort();
    return crypto;
}

static void set_up(uint8_t suite)
{
    static hk_engine only;
    engine = &only;
    memset(engine, 0, sizeof *engine);
    engine_lists(engine);
    engine->now = NS_PER_SECOND;
    port = calloc(1, sizeof *port);
    port_lists(port);
    port->object = (struct object){.id = 1, .kind = PORT};
    port->rtp.fd = port->twin.fd = port->rtcp.fd = -1;
    port->config.types[0] = 0;
    port->config.codecs[0] = HK_PCMU;
    port->config.units[0] = 1;
    port->config.type_count = 1;
    port->config.receiving = true;
    port->out.ssrc = 7;
    address_parse(&port->config.remote, "192.0.2.1", 4000);
    ours = keys_of(suite, 1);
    theirs = keys_of(suite, 2);
    port->protect = context(&ours, 7);
    port->unprotect = context(&theirs, 0);
}

/* As control.c and apply.c do it. */
static void change_keys(int fill, bool plain)
{
    struct command command = {.changes_protect = true, .changes_unprotect = true};
    ours = keys_of(ours.suite, fill);
    theirs = keys_of(ours.suite, fill + 1);
    if (!plain) {
        command.protect = context(&ours, 7);
        command.unprotect = context(&theirs, 0);
    }
    port_take_keys(engine, port, &command);
    crypto_free(command.protect);
    crypto_free(command.unprotect);
}

static void tear_down(void)
{
    crypto_free(port->protect);
    crypto_free(port->unprotect);
    crypto_free(port->before);
    free(port);
}

/* A packet of the party, made with its key by a sender of this one packet; 0: libsrtp makes none of such bytes. */
static size_t made(const uint8_t *bytes, size_t length, bool report, uint8_t *out)
{
    uint8_t packet[OUTER] = {0};
    memcpy(packet, bytes, length < OUTER - 12 ? length : OUTER - 12);
    length = length < 12 ? 12 : length < OUTER - 12 ? length : OUTER - 12;
    packet[0] = report ? 0x80 : (uint8_t)(packet[0] & 0x2f) | 0x80;
    packet[1] = report ? 201 : 0;
    uint32_t ssrc = 0;
    memcpy(&ssrc, packet + (report ? 4 : 8), 4);
    ssrc = ntohl(ssrc);
    if (!ssrc || !theirs.suite)
        return 0;
    struct crypto *sender = context(&theirs, ssrc);
    size_t size = report ? crypto_protect_report(sender, packet, length, out) : crypto_protect(sender, packet, length, out);
    crypto_free(sender);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    set_up((uint8_t)(1 + data[0] % 3));
    data++, size--;
    while (size > 3) {
        _Alignas(8) uint8_t packet[DATAGRAM];
        union address from;
        unsigned flags = data[2];
        size_t rest = size - 3, length = data[0] * 2u < rest ? data[0] * 2u : rest;
        engine->now += data[1] * INT64_C(20000000);
        address_parse(&from, flags & ELSEWHERE ? "192.0.2.9" : "192.0.2.1", 4000);
        if (flags & OTHER_KEYS)
            change_keys(data[1], flags & PLAIN);
        bool report = flags & REPORT, genuine = flags & MADE, secure = port->unprotect;
        size_t whole = genuine ? made(data + 3, length, report, packet) : 0;
        genuine = whole > 0 && !(flags & DAMAGED);
        if (!whole)
            memcpy(packet, data + 3, whole = length);
        else if (flags & DAMAGED)
            packet[whole - 1 - data[1] % whole] ^= 1;
        uint64_t before = port->in.packets;
        int64_t heard = port->in.heard;
        engine->now++;
        if (report)
            port_rtcp(engine, port, packet, whole, &from);
        else
            port_receive(engine, port, packet, whole, &from);
        if (secure && !genuine && port->in.packets != before)
            abort(); /* a forged packet was heard */
        if (secure && !genuine && port->in.heard != heard)
            abort(); /* or taken for a sign of life */
        atomic_store(&engine->from_engine.head, atomic_load(&engine->from_engine.tail));
        data += 3 + length;
        size -= 3 + length;
    }
    tear_down();
    return 0;
}
