/* The engine without Python, for the sanitizers: rows that come and go while packets flow, files that appear and cannot.
 * Four threads at the same time: the engine's own two (packets and ticks; the recordings' writer), the command side,
 * which puts, drops and commits rows and takes events and figures, and the network, which sends and receives all along.
 * usage: harness FOLDER SECONDS SEED. Ends with 0 when what must be true was true. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "rtcp.h"
#include "rtp.h"
#include "srtp.h"
#include "wav.h"

enum { PARTIES = 12, PLAYERS = 4, FIRST_PLAYER = 100, MIXES = 4, FIRST_MIX = 200, FIRST_DETECTOR = 300, RECORDERS = 6 };

struct party {
    int fd;
    uint16_t port;
    _Atomic uint16_t engine_port;
    /* of the network */
    struct crypto *crypto; /* every fourth party sends SRTP */
    uint8_t type;
    uint16_t sequence;
    uint32_t timestamp;
    uint64_t heard;
    /* of the command side */
    bool put;
};

static struct party parties[PARTIES];
static uint64_t told[HK_PORT_REACHED + 1], final;
static atomic_bool over;
static int64_t next_recorder = 1000, recorders[RECORDERS];
static const char *folder;

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* Each thread has its own. */
static _Thread_local uint64_t chance = 1;

static uint32_t throw(void)
{
    chance ^= chance >> 12;
    chance ^= chance << 25;
    chance ^= chance >> 27;
    return (uint32_t)((chance * UINT64_C(2685821657736338717)) >> 32);
}

static unsigned dice(unsigned sides) { return throw() % sides; }

static int bound(uint16_t *port)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&own, size) == 0);
    getsockname(fd, (struct sockaddr *)&own, &size);
    *port = ntohs(own.sin_port);
    return fd;
}

static void send_to(const struct party *party, uint16_t port, const void *data, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)sendto(party->fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
}

/* --- rows --- */
static struct hk_keys keys_of(int number, unsigned suite)
{
    struct hk_keys keys = {.suite = (uint8_t)suite};
    memset(keys.key, number, sizeof keys.key);
    return keys;
}

static void put_party(hk_engine *engine, int number)
{
    struct party *party = &parties[number];
    struct hk_port row = {.id = number + 1, .ptime = dice(2) ? 20 : 10 * (1 + dice(6)), .timeout = dice(2) ? 1 : 30};
    strcpy(row.local_host, "127.0.0.1");
    strcpy(row.remote_host, "127.0.0.1");
    row.remote_port = dice(10) ? party->port : 0;
    row.receive_count = dice(3) ? 7 : 3;
    row.receive[0] = (struct hk_payload){0, HK_PCMU, 8000};
    row.receive[1] = (struct hk_payload){8, HK_PCMA, 8000};
    row.receive[2] = (struct hk_payload){101, HK_EVENTS, 8000};
    row.receive[3] = (struct hk_payload){9, HK_G722, 8000};
    row.receive[4] = (struct hk_payload){96, HK_OPUS, 48000};
    row.receive[5] = (struct hk_payload){97, HK_L16, 16000};
    row.receive[6] = (struct hk_payload){13, HK_CN, 8000};
    row.send = row.receive[dice(3) || row.receive_count == 3 ? dice(2) : 3 + dice(3)];
    if (dice(2))
        row.send_events = (struct hk_payload){100, HK_EVENTS, dice(2) ? 8000 : 48000};
    if (dice(2))
        row.send_noise = row.receive[6];
    if (dice(3) == 0)
        strcpy(row.press, "1*#d");
    row.press_generation = dice(5);
    row.sending = dice(8) > 0;
    row.receiving = dice(8) > 0;
    row.generation = dice(3);
    if (dice(4) == 0)
        row.protect = keys_of(number, 1 + dice(3));
    if (number % 4 == 3 && dice(4)) /* else, and now and then, their packets are none: they are dropped */
        row.unprotect = keys_of(number, dice(8) ? 1 + (unsigned)number / 4 : 1 + dice(3));
    for (int tries = 0; tries < 50; tries++) {
        if (!party->put)
            party->engine_port = (uint16_t)(20000 + 2 * dice(5000));
        row.local_port = party->engine_port;
        if (hk_put_port(engine, &row) == 0) {
            party->put = true;
            return;
        }
    }
    MUST(!"a port could be bound");
}

static void put_mix(hk_engine *engine, int number)
{
    struct hk_link links[8];
    uint32_t count = 1 + dice(8);
    for (uint32_t i = 0; i < count; i++) {
        links[i].listener = 1 + dice(PARTIES);
        links[i].source = dice(3) ? 1 + dice(PARTIES) : FIRST_PLAYER + dice(PLAYERS + 1);
        links[i].gain = dice(3) ? 1.0 : dice(4) * 0.7;
    }
    MUST(hk_put_mix(engine, FIRST_MIX + number, links, count) == 0);
}

static void put_player(hk_engine *engine, int number)
{
    char good[512], bad[512];
    snprintf(good, sizeof good, "%s/tone.wav", folder);
    snprintf(bad, sizeof bad, "%s/none.wav", folder);
    const char *files[] = {good, bad, good};
    MUST(hk_put_player(engine, FIRST_PLAYER + number, dice(3), (int32_t)dice(4) - 1, files, 1 + dice(3)) >= 0);
}

static void put_recorder(hk_engine *engine, int slot)
{
    char path[512];
    int64_t right[3] = {1 + dice(PARTIES), 1 + dice(PARTIES), 999};
    bool fresh = recorders[slot] == 0;
    if (fresh)
        recorders[slot] = next_recorder++;
    const char *place = fresh && dice(8) == 0 ? "tone.wav/impossible" : "recordings";
    snprintf(path, sizeof path, "%s/%s/%lld.wav", folder, place, (long long)recorders[slot]);
    struct hk_recorder row = {.id = recorders[slot], .path = path, .comment = "harness", .left = 1 + dice(PARTIES)};
    row.right = right;
    row.right_count = dice(4);
    row.running = dice(4) > 0;
    row.silent = dice(3) == 0;
    row.rate = recorders[slot] % 2 ? 16000 : 8000;
    MUST(hk_put_recorder(engine, &row) == 0);
}

static void put_detector(hk_engine *engine, int number)
{
    struct hk_detector row = {.id = FIRST_DETECTOR + number, .port = number + 1};
    row.keys = dice(2);
    row.tones = dice(2);
    row.speech = dice(4) > 0;
    row.hangover = (uint16_t)(20 + dice(200));
    MUST(hk_put_detector(engine, &row) == 0);
}

static void change_something(hk_engine *engine)
{
    int number = (int)dice(PARTIES), slot = (int)dice(RECORDERS);
    switch (dice(11)) {
    case 0:
        hk_drop(engine, number + 1);
        parties[number].put = false;
        break;
    case 1:
    case 2:
        put_party(engine, number);
        break;
    case 3:
        put_mix(engine, (int)dice(MIXES));
        break;
    case 4:
        hk_drop(engine, FIRST_MIX + dice(MIXES));
        break;
    case 5:
        put_player(engine, (int)dice(PLAYERS));
        break;
    case 6:
        hk_drop(engine, FIRST_PLAYER + dice(PLAYERS));
        break;
    case 7:
        put_recorder(engine, slot);
        break;
    case 8:
        hk_drop(engine, recorders[slot]);
        recorders[slot] = 0;
        break;
    case 9:
        put_detector(engine, number);
        break;
    case 10:
        hk_drop(engine, FIRST_DETECTOR + dice(PARTIES));
        break;
    }
}

/* --- packets --- */
static void report_of(struct party *party)
{
    uint8_t report[RTCP_LARGEST];
    struct rtcp_own own = {.ssrc = party->port, .sender = dice(2), .heard = dice(2), .bye = dice(20) == 0, .source = throw()};
    struct voip_metrics metrics = {.mos_listening = 40};
    if (dice(2))
        own.metrics = &metrics;
    uint16_t to = atomic_load_explicit(&party->engine_port, memory_order_relaxed);
    send_to(party, (uint16_t)(to + 1), report, rtcp_write(report, &own));
}

static void speak(struct party *party)
{
    _Alignas(8) uint8_t packet[2048], secret[2048 + CRYPTO_TRAILER];
    size_t size = RTP_HEADER + 160;
    memset(packet, (int)dice(256), sizeof packet);
    bool event = dice(20) == 0;
    rtp_write(packet, dice(10) == 0, event ? 101 : party->type, party->sequence++, party->timestamp, party->port);
    party->timestamp += party->type == 96 ? 960 : party->type == 97 ? 320 : 160;
    if (dice(200) == 0)
        party->type = (uint8_t[]){0, 8, 9, 96, 97, 13, 0, 8}[dice(8)];
    if (event) {
        uint8_t payload[4] = {(uint8_t)dice(17), (uint8_t)(dice(2) << 7), (uint8_t)dice(256), (uint8_t)dice(256)};
        memcpy(packet + RTP_HEADER, payload, 4);
        size = RTP_HEADER + 4;
    }
    switch (dice(40)) {
    case 0:
        size = dice(sizeof packet);
        break;
    case 1:
        packet[dice((unsigned)size)] ^= (uint8_t)(1u << dice(8));
        break;
    case 2:
        party->sequence = (uint16_t)dice(65536);
        break;
    case 3:
        party->timestamp = throw();
        break;
    }
    const uint8_t *sent = packet;
    if (party->crypto && size >= RTP_HEADER && (size = crypto_protect(party->crypto, packet, size, secret)))
        sent = secret;
    uint16_t to = atomic_load_explicit(&party->engine_port, memory_order_relaxed);
    send_to(party, (uint16_t)(to + (dice(30) == 0)), sent, size);
    if (dice(50) == 0)
        send_to(party, atomic_load_explicit(&parties[dice(PARTIES)].engine_port, memory_order_relaxed), sent, size);
    if (dice(40) == 0)
        report_of(party);
}

static void hear(struct party *party)
{
    uint8_t packet[2048];
    ssize_t size;
    while ((size = recv(party->fd, packet, sizeof packet, 0)) >= 0) {
        struct rtp_packet parsed;
        MUST(rtp_parse(packet, (size_t)size, &parsed));
        party->heard++;
    }
}

static void take_events(hk_engine *engine)
{
    struct hk_event events[16];
    int count;
    while ((count = hk_take_events(engine, events, 16)) > 0)
        for (int i = 0; i < count; i++) {
            MUST(events[i].kind >= HK_PLAYER_FINISHED && events[i].kind <= HK_PORT_REACHED);
            told[events[i].kind]++;
            final += events[i].kind == HK_PORT_STATS && events[i].final;
        }
}

static void write_tone(void)
{
    char path[512];
    uint8_t data[44 + 3200] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x80\x0c";
    snprintf(path, sizeof path, "%s/tone.wav", folder);
    for (size_t i = 44; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    FILE *file = fopen(path, "wb");
    MUST(file && fwrite(data, sizeof data, 1, file) == 1 && fclose(file) == 0);
    struct wav_audio audio;
    MUST(wav_parse(data, sizeof data, &audio) && audio.samples == 1600);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *network(void *nothing)
{
    (void)nothing;
    chance = UINT64_C(88172645463325252);
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        for (int i = 0; i < PARTIES; i++) {
            speak(&parties[i]);
            hear(&parties[i]);
        }
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    return NULL;
}

static void begin(hk_engine *engine)
{
    int error;
    write_tone();
    for (int i = 0; i < PARTIES; i++) {
        parties[i].fd = bound(&parties[i].port);
        if (i % 4 == 3) {
            struct hk_keys keys = keys_of(i, 1 + (unsigned)i / 4);
            MUST((parties[i].crypto = crypto_new(&keys, parties[i].port, &error)));
        }
        put_party(engine, i);
    }
    put_mix(engine, 0);
    hk_commit(engine);
}

int main(int argc, char **argv)
{
    struct hk_figures figures;
    pthread_t sender;
    MUST(argc == 4);
    folder = argv[1];
    chance = (uint64_t)atoi(argv[3]) * 2 + 1;
    hk_engine *engine = hk_start();
    MUST(engine);
    begin(engine);
    MUST(pthread_create(&sender, NULL, network, NULL) == 0);
    double end = seconds_now() + atof(argv[2]);
    while (seconds_now() < end) {
        for (unsigned changes = dice(4); changes > 0; changes--)
            change_something(engine);
        hk_commit(engine);
        struct pollfd waiting = {.fd = hk_event_fd(engine), .events = POLLIN};
        if (poll(&waiting, 1, 4) > 0)
            take_events(engine);
        hk_read_figures(engine, &figures);
    }
    atomic_store(&over, true);
    pthread_join(sender, NULL);
    hk_stop(engine);
    hk_read_figures(engine, &figures);
    take_events(engine);
    hk_free(engine);
    uint64_t heard = 0;
    for (int i = 0; i < PARTIES; i++) {
        heard += parties[i].heard;
        crypto_free(parties[i].crypto);
        close(parties[i].fd);
    }
    printf("heard %llu, forwarded %llu, mixed %llu, final %llu, events", (unsigned long long)heard,
           (unsigned long long)figures.forwarded, (unsigned long long)figures.mixed, (unsigned long long)final);
    for (int kind = 1; kind <= HK_PORT_REACHED; kind++)
        printf(" %llu", (unsigned long long)told[kind]);
    printf("\n");
    MUST(heard > 0 && figures.forwarded > 0 && figures.mixed > 0 && told[HK_PORT_STATS] > 0 && final > 0);
    MUST(told[HK_RECORDER_STARTED] > 0 && told[HK_RECORDER_STOPPED] >= told[HK_RECORDER_STARTED]);
    MUST(told[HK_SPEECH] > 0 && told[HK_DIGIT] > 0);
    return 0;
}
