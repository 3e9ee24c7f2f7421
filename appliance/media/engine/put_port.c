/* Rows of ports: what they need is made here, on the command side. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "codec.h"
#include "command.h"
#include "core.h"
#include "list.h"
#include "object.h"
#include "port.h"
#include "rtcp.h"
#include "srtp.h"

/* RTP clock in steps of 8000 Hz; none said is 8000, 0: not one of ours. */
static uint8_t units_of(uint32_t clock)
{
    return clock == 0 ? 1 : clock == 8000 || clock == 16000 || clock == 48000 ? (uint8_t)(clock / 8000) : 0;
}

/* Milliseconds of a packet: what the party asks for where the codec has it and the network carries it whole. */
static int ptime_of(const struct port_config *config, int wanted)
{
    int ptime = wanted <= 0 ? 20 : wanted < 10 ? 10 : wanted > 60 ? 60 : wanted - wanted % 10;
    if (config->send_codec == HK_OPUS)
        return ptime == 30 ? 20 : ptime == 50 ? 40 : ptime;
    int most = config->send_codec != HK_L16 ? 60 : config->send_units == 6 ? 10 : config->send_units == 2 ? 40 : 60;
    return ptime < most ? ptime : most;
}

/* 1: what every port has, 2: Opus too. */
static int codecs_needed(const struct port_config *config)
{
    bool opus = config->send_codec == HK_OPUS;
    for (int i = 0; i < config->type_count; i++)
        opus = opus || config->codecs[i] == HK_OPUS;
    return opus ? 2 : 1;
}

static int configure(struct port_config *config, const struct hk_port *row)
{
    memset(config, 0, sizeof *config);
    if (address_parse(&config->local, row->local_host, row->local_port) < 0 || row->local_port == 0 ||
        row->local_port == UINT16_MAX || row->receive_count > 16)
        return -EINVAL;
    if (row->remote_port && address_parse(&config->remote, row->remote_host, row->remote_port) < 0)
        return -EINVAL;
    if (address_known(&config->remote) && config->remote.any.sa_family != config->local.any.sa_family)
        return -EAFNOSUPPORT;
    /* Without a place that can be reached, reports go beside the RTP. */
    if (row->remote_rtcp_port && (address_parse(&config->remote_rtcp, row->remote_rtcp_host, row->remote_rtcp_port) < 0 ||
                                  config->remote_rtcp.any.sa_family != config->local.any.sa_family))
        config->remote_rtcp = (union address){0};
    config->rtcp_mux = row->rtcp_mux;
    config->sends_metrics = row->send_metrics;
    config->dscp = row->dscp & 63;
    config->type_count = row->receive_count;
    for (int i = 0; i < row->receive_count; i++) {
        const struct hk_payload *payload = &row->receive[i];
        config->types[i] = payload->number & 127;
        config->units[i] = units_of(payload->clock);
        config->codecs[i] = config->units[i] && payload->codec <= HK_L16 ? payload->codec : HK_NONE;
    }
    config->send_units = units_of(row->send.clock);
    /* Neither keys nor noise are a voice to be coded for. */
    config->send_codec = config->send_units && codec_rate(row->send.codec, 8000) ? row->send.codec : HK_NONE;
    config->send_units += config->send_units == 0;
    config->send_type = row->send.number & 127;
    config->events_units = units_of(row->send_events.clock);
    config->sends_events = row->send_events.codec == HK_EVENTS && config->events_units;
    config->sends_noise = row->send_noise.codec == HK_CN;
    config->sends_tones = row->press_tones && !config->sends_events;
    config->noise_type = row->send_noise.number & 127;
    config->events_type = row->send_events.number & 127;
    config->frame = (uint16_t)(ptime_of(config, row->ptime) * 8);
    config->frame_bytes = config->send_codec == HK_OPUS ? 0
                          : config->send_codec == HK_L16 ? (uint16_t)(2 * config->send_units * config->frame)
                                                         : config->frame;
    memcpy(config->press, row->press, sizeof config->press - 1);
    config->press_generation = row->press_generation;
    config->sending = row->sending;
    config->receiving = row->receiving;
    config->timeout = row->timeout > 0 && row->timeout < 1e9 ? (int64_t)(row->timeout * 1e9) : 0;
    config->generation = row->generation;
    return 0;
}

/* xorshift64*: first sequence numbers, timestamps and SSRCs need to differ, not to be secret from anyone on the path. */
static uint32_t dice(hk_engine *engine)
{
    engine->random ^= engine->random >> 12;
    engine->random ^= engine->random << 25;
    engine->random ^= engine->random >> 27;
    return (uint32_t)((engine->random * UINT64_C(2685821657736338717)) >> 32);
}

void port_lists(struct port *port)
{
    struct node *nodes[] = {&port->hears, &port->heard_by, &port->taps,  &port->detectors, &port->turn,
                            &port->keys,  &port->mixed,    &port->dirty, &port->press.all, &port->reports.turn,
                            &port->overtaking};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        list_init(nodes[i]);
}

/* RFC 7022 section 4.2: 96 random bits, as text. */
static void make_cname(hk_engine *engine, uint8_t cname[CNAME])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < CNAME; i++)
        cname[i] = (uint8_t)letters[dice(engine) & 63];
}

static struct port *new_port(hk_engine *engine, const struct port_config *config, const struct hk_port *row)
{
    struct port *port = aligned_alloc(64, (sizeof *port + 63) / 64 * 64);
    if (!port)
        return NULL;
    memset(port, 0, offsetof(struct port, pending));
    port->object = (struct object){.id = row->id, .kind = PORT};
    port->config = *config;
    port->rtp.port = port->rtcp.port = port->twin.port = port;
    port->rtcp.rtcp = true;
    port_lists(port);
    uint32_t fresh = dice(engine);
    port->in.loudest = -1;
    port->out.ssrc = row->ssrc && row->protect.suite == HK_PLAIN ? row->ssrc : fresh ? fresh : 1;
    port->out.sequence = (uint16_t)(dice(engine) & 0x7fff);
    port->out.timestamp = dice(engine) >> 1;
    port->played = UINT64_MAX;
    port->reports.round_trip = -1;
    make_cname(engine, port->reports.cname);
    return port;
}

/* A dropped port's sockets are closed only when the engine thread has let go of them. Where that is what stands in the
 * way of a new port, wait for it, a tenth of a second at most. */
static int open_after_drops(hk_engine *engine, const struct port_config *config, struct sockets *sockets)
{
    int error = open_sockets(&config->local, config->dscp, sockets);
    for (int tries = 0; error == -EADDRINUSE && engine->undone > 0 && tries < 100; tries++) {
        hk_commit(engine);
        if (tries > 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        free_done(engine);
        error = open_sockets(&config->local, config->dscp, sockets);
    }
    return error;
}

static bool same_keys(const struct hk_keys *a, const struct hk_keys *b)
{
    return a->suite == b->suite && (a->suite == HK_PLAIN || memcmp(a->key, b->key, sizeof a->key) == 0);
}

/* The context for these keys, or none for plain RTP. 0 or -errno. */
static int new_crypto(const struct hk_keys *keys, uint32_t ssrc, struct crypto **crypto)
{
    int error = 0;
    *crypto = keys->suite == HK_PLAIN ? NULL : crypto_new(keys, ssrc, &error);
    return error;
}

/* Those of the row's keys that are others than before. */
static int change_keys(const struct known *known, const struct hk_port *row, struct command *command)
{
    int error = 0;
    command->changes_protect = !same_keys(&known->protect, &row->protect);
    command->changes_unprotect = !same_keys(&known->unprotect, &row->unprotect);
    if (command->changes_protect)
        error = new_crypto(&row->protect, known->ssrc, &command->protect);
    if (!error && command->changes_unprotect)
        error = new_crypto(&row->unprotect, 0, &command->unprotect);
    return error;
}

static int change_port(hk_engine *engine, struct known *known, const struct hk_port *row,
                       const struct port_config *config)
{
    struct command *command = command_new(CHANGE_PORT, known->id);
    if (!command)
        return -ENOMEM;
    int error = change_keys(known, row, command);
    if (!error && !address_same(&known->local, &config->local))
        error = open_after_drops(engine, config, &command->sockets);
    int needed = codecs_needed(config);
    if (!error && !(command->config = malloc(sizeof *config)))
        error = -ENOMEM;
    if (!error && needed > known->codecs && !(command->codecs = codecs_new(needed > 1)))
        error = -ENOMEM;
    if (error) {
        command_free(command);
        return error;
    }
    *command->config = *config;
    known->codecs = needed > known->codecs ? needed : known->codecs;
    known->local = config->local;
    known->protect = row->protect;
    known->unprotect = row->unprotect;
    command_queue(engine, command);
    return 0;
}

/* What a new port needs beside its sockets. 0 or -errno. */
static int equip(struct port *port, const struct hk_port *row, int needed)
{
    if (!(port->codecs = codecs_new(needed > 1)))
        return -ENOMEM;
    int error = new_crypto(&row->protect, port->out.ssrc, &port->protect);
    return error ? error : new_crypto(&row->unprotect, 0, &port->unprotect);
}

int hk_put_port(hk_engine *engine, const struct hk_port *row)
{
    struct port_config config;
    int error = configure(&config, row);
    if (error)
        return error;
    struct known *known = known_existing(engine, row->id, PORT);
    if (known)
        return change_port(engine, known, row, &config);
    struct port *port = new_port(engine, &config, row);
    struct command *command = command_new(PUT_PORT, row->id);
    struct sockets sockets;
    int needed = codecs_needed(&config);
    error = port && command ? equip(port, row, needed) : -ENOMEM;
    if (!error)
        error = open_after_drops(engine, &config, &sockets);
    if (error) {
        if (port)
            port_free(port);
        free(command);
        return error;
    }
    port->rtp.fd = sockets.rtp;
    port->twin.fd = sockets.twin;
    port->rtcp.fd = sockets.rtcp;
    if ((known = known_remember(engine, row->id, PORT))) {
        known->local = config.local;
        known->codecs = needed;
        known->ssrc = port->out.ssrc;
        known->protect = row->protect;
        known->unprotect = row->unprotect;
    }
    command->object = &port->object;
    command_queue(engine, command);
    return 0;
}
