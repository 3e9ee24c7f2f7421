/* Hours of calls in a minute, with the caller's clock: does anything grow? Calls of every kind come and go, each with all
 * that belongs to it: two to four parties, codecs, SRTP, a recording on the disk, detectors, prompts and keys; the network
 * loses, repeats and reorders. The recordings' writer is the engine's own thread, files, sockets and what is sent are
 * real. Every ten minutes all calls end; then what is held is counted: heap, resident memory, descriptors, tables.
 * usage: GLIBC_TUNABLES=glibc.malloc.tcache_count=0 soak FOLDER MINUTES SEED (what the allocator keeps for a thread counts
 * as in use). One line a count; ends with 0 when nothing grew after the first. */
#include <dirent.h>
#include <malloc.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "quiet.h"
#include "wire.h"

enum { SLOTS = 6, MOST_PARTIES = 4, EACH = 64 /* ids of a call */, FRAMES = 50, FIRST_PORT = 28200, COUNT_MINUTES = 10 };
enum { RELAYED, TRANSCODED, OPUS, CONFERENCE, ENCRYPTED, MENU };

/* How long calls and the pauses between them last, on average, seconds: what costs more comes less often. */
static const struct pattern {
    int parties, talk, pause;
    uint8_t codecs[MOST_PARTIES];
    bool recorded, wide, detected, plays;
} patterns[SLOTS] = {
    [RELAYED] = {2, 9, 4, {HK_PCMU, HK_PCMA}, .recorded = true},
    [TRANSCODED] = {2, 8, 9, {HK_PCMU, HK_G722}, .recorded = true, .wide = true, .detected = true},
    [OPUS] = {2, 3, 20, {HK_OPUS, HK_PCMU}, .recorded = true},
    [CONFERENCE] = {4, 6, 20, {HK_PCMU, HK_PCMA, HK_G722, HK_L16}, .plays = true},
    [ENCRYPTED] = {2, 4, 2, {HK_PCMU, HK_PCMU}, .recorded = true},
    [MENU] = {1, 2, 3, {HK_PCMA}, .detected = true, .plays = true},
};
static const struct hk_payload payloads[] = {{0, HK_PCMU, 8000},   {8, HK_PCMA, 8000},  {9, HK_G722, 8000}, {96, HK_OPUS, 48000},
                                             {97, HK_L16, 16000}, {101, HK_EVENTS, 8000}, {13, HK_CN, 8000}};
enum { PAYLOADS = sizeof payloads / sizeof *payloads, KEYS = 5, NOISE = 6 };

struct party {
    const struct hk_payload *payload;
    struct crypto *crypto; /* what it sends with */
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    int pressing; /* packets of a key still to come */
    size_t late_size; /* of a packet that is overtaken by the next */
    uint8_t late[DATAGRAM + CRYPTO_TRAILER];
};

static struct call {
    bool on;
    int64_t until, base; /* tick; first of its ids */
    struct party parties[MOST_PARTIES];
} calls[SLOTS];

static hk_engine *engine;
static const char *folder;
static uint16_t sink;
static int64_t next_id = EACH;
static uint64_t told[HK_PORT_REACHED + 1], made, begun, ended;
static uint8_t coded[HK_L16 + 1][FRAMES][CODEC_LARGEST];
static size_t coded_sizes[HK_L16 + 1][FRAMES];

static unsigned dice(unsigned sides)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state >> 33) % sides;
}

/* --- what parties say: noise in bursts, so that there is speech to be found and pauses too --- */
static void code_frames(uint8_t codec, int rate)
{
    struct codecs *codecs = codecs_new(true);
    int16_t samples[LARGEST_FRAME];
    for (int frame = 0; frame < FRAMES; frame++) {
        for (int i = 0; i < rate / TICKS; i++)
            samples[i] = (int16_t)(frame % 25 < 15 ? (int)dice(12000) - 6000 : 0);
        coded_sizes[codec][frame] = (size_t)codec_encode(codecs, codec, rate, samples, rate / TICKS, coded[codec][frame]);
        MUST(coded_sizes[codec][frame] > 0);
    }
    free(codecs);
}

static void write_prompt(char *path, size_t size)
{
    uint8_t wav[44 + 16000] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x80\x3e";
    for (size_t i = 44; i < sizeof wav; i++)
        wav[i] = (uint8_t)(i * 7);
    snprintf(path, size, "%s/prompt.wav", folder);
    FILE *file = fopen(path, "wb");
    MUST(file && fwrite(wav, sizeof wav, 1, file) == 1 && fclose(file) == 0);
}

/* --- calls --- */
static struct hk_keys keys_of(int64_t base, int number)
{
    struct hk_keys keys = {.suite = (uint8_t)(1 + base / EACH % 3)};
    memset(keys.key, (int)(base / EACH % 200) + number, sizeof keys.key);
    return keys;
}

static void put_party(const struct pattern *pattern, const struct call *call, int number, bool changed)
{
    struct hk_port row = {.id = call->base + number, .local_host = "127.28.1.1", .remote_host = "127.0.0.1", .remote_port = sink};
    int slot = (int)(pattern - patterns);
    row.local_port = (uint16_t)(FIRST_PORT + 2 * (slot * MOST_PARTIES + number));
    memcpy(row.receive, payloads, sizeof payloads);
    row.receive_count = PAYLOADS;
    row.send = *call->parties[number].payload;
    row.send_events = payloads[KEYS];
    row.send_noise = number % 2 ? payloads[NOISE] : (struct hk_payload){0};
    row.ptime = (uint16_t)(number % 2 ? 20 : 20 + 10 * dice(3));
    row.sending = true;
    row.receiving = !changed || dice(2);
    row.timeout = 2;
    row.send_metrics = dice(2);
    row.generation = changed;
    strcpy(row.press, "42#");
    row.press_generation = changed;
    if (slot == ENCRYPTED && number == 0) {
        row.protect = keys_of(call->base, 1);
        row.unprotect = keys_of(call->base, 0);
    }
    MUST(hk_put_port(engine, &row) == 0);
}

static void put_links(const struct pattern *pattern, const struct call *call)
{
    struct hk_link links[MOST_PARTIES * (MOST_PARTIES + 1)];
    uint32_t count = 0;
    for (int i = 0; i < pattern->parties; i++) {
        for (int j = 0; j < pattern->parties; j++)
            if (i != j)
                links[count++] = (struct hk_link){call->base + i, call->base + j, 1};
        if (pattern->plays)
            links[count++] = (struct hk_link){call->base + i, call->base + 10, pattern->parties > 1 ? 0.25 : 1};
    }
    MUST(hk_put_mix(engine, call->base + 11, links, count) == 0);
}

static void put_recorder(const struct pattern *pattern, const struct call *call, bool running)
{
    char path[512];
    int64_t right = call->base + 1;
    struct hk_recorder row = {.id = call->base + 12, .path = path, .comment = "soak", .left = call->base, .right = &right};
    snprintf(path, sizeof path, "%s/recordings/%lld.wav", folder, (long long)row.id);
    row.right_count = 1;
    row.running = running;
    row.silent = dice(2);
    row.rate = pattern->wide ? 16000 : 8000;
    MUST(hk_put_recorder(engine, &row) == 0);
}

static const struct hk_payload *payload_of(uint8_t codec)
{
    const struct hk_payload *payload = payloads;
    while (payload->codec != codec)
        payload++;
    return payload;
}

static void begin_call(int slot, const char *prompt)
{
    const struct pattern *pattern = &patterns[slot];
    struct call *call = &calls[slot];
    int error;
    *call = (struct call){.on = true, .base = next_id};
    call->until = (int64_t)engine->tick + TICKS * (1 + (int64_t)dice(2 * (unsigned)pattern->talk));
    next_id += EACH;
    for (int i = 0; i < pattern->parties; i++) {
        struct party *party = &call->parties[i];
        party->payload = payload_of(pattern->codecs[i]);
        party->ssrc = (uint32_t)(call->base + i);
        party->sequence = (uint16_t)dice(65536);
        party->timestamp = dice(1u << 31);
        struct hk_keys keys = keys_of(call->base, 0);
        if (slot == ENCRYPTED && i == 0)
            MUST((party->crypto = crypto_new(&keys, party->ssrc, &error)));
        put_party(pattern, call, i, false);
        if (pattern->detected) {
            struct hk_detector row = {.id = call->base + 20 + i, .port = call->base + i, true, true, true, .hangover = 60};
            MUST(hk_put_detector(engine, &row) == 0);
        }
    }
    if (pattern->plays)
        MUST(hk_put_player(engine, call->base + 10, 1, slot == CONFERENCE ? 0 : -1, &prompt, 1) == 0);
    put_links(pattern, call);
    if (pattern->recorded)
        put_recorder(pattern, call, true);
    made += pattern->recorded;
    begun++;
}

static void change_call(int slot)
{
    const struct pattern *pattern = &patterns[slot];
    const struct call *call = &calls[slot];
    put_party(pattern, call, (int)dice((unsigned)pattern->parties), true);
    put_links(pattern, call);
    if (pattern->recorded)
        put_recorder(pattern, call, dice(2));
}

static void end_call(int slot)
{
    for (int64_t id = 0; id < EACH; id++)
        hk_drop(engine, calls[slot].base + id);
    for (int i = 0; i < MOST_PARTIES; i++)
        crypto_free(calls[slot].parties[i].crypto);
    calls[slot].on = false;
    ended++;
}

/* --- the network --- */
static void arrive(struct port *port, uint8_t *data, size_t size)
{
    _Alignas(8) uint8_t copy[DATAGRAM + CRYPTO_TRAILER];
    union address from;
    MUST(address_parse(&from, "127.0.0.1", sink) == 0);
    memcpy(copy, data, size);
    port_receive(engine, port, copy, size, &from);
}

static void report(struct port *port, const struct party *party)
{
    uint8_t data[RTCP_LARGEST];
    struct voip_metrics metrics = {.mos_listening = 40};
    struct rtcp_own own = {.ssrc = party->ssrc, .sender = true, .heard = true, .source = port->out.ssrc, .metrics = &metrics};
    union address from;
    MUST(address_parse(&from, "127.0.0.1", sink) == 0);
    if (!party->crypto)
        port_rtcp(engine, port, data, rtcp_write(data, &own), &from);
}

/* 20 ms of a party: one packet, none, or two. */
static void speak(struct party *party, struct port *port)
{
    _Alignas(8) uint8_t packet[DATAGRAM], secret[DATAGRAM + CRYPTO_TRAILER], *sent = packet;
    unsigned number = party->sequence % FRAMES, chance = dice(1000);
    uint8_t codec = party->payload->codec, type = party->payload->number;
    size_t size = coded_sizes[codec][number];
    memcpy(packet + RTP_HEADER, coded[codec][number], size);
    if (party->pressing > 0) {
        const uint8_t key[4] = {7, party->pressing <= 3 ? 0x8a : 10, 3, 0x20};
        memcpy(packet + RTP_HEADER, key, size = 4);
        type = payloads[KEYS].number;
        party->pressing--;
    } else if (number % 25 == 24) {
        packet[RTP_HEADER] = 70;
        size = 1;
        type = payloads[NOISE].number;
    }
    party->timestamp += party->pressing ? 0 : party->payload->clock / TICKS;
    rtp_write(packet, false, type, party->sequence++, party->timestamp, party->ssrc);
    size += RTP_HEADER;
    if (party->crypto && (size = crypto_protect(party->crypto, packet, size, secret)))
        sent = secret;
    if (chance < 10) /* lost */
        return;
    if (chance < 20 && !party->late_size) {
        memcpy(party->late, sent, party->late_size = size);
        return;
    }
    arrive(port, sent, size);
    if (chance < 25) /* twice */
        arrive(port, sent, size);
    if (party->late_size)
        arrive(port, party->late, party->late_size);
    party->late_size = 0;
    if (chance >= 998)
        party->pressing = 8;
    if (chance == 997)
        party->ssrc += 100000; /* it begins anew; SRTP goes on with the old one */
}

static void talk(void)
{
    for (int slot = 0; slot < SLOTS; slot++)
        for (int i = 0; calls[slot].on && i < patterns[slot].parties; i++) {
            struct port *port = (struct port *)find_object(engine, calls[slot].base + i);
            MUST(port);
            speak(&calls[slot].parties[i], port);
            if (engine->tick % (5 * TICKS) == 0)
                report(port, &calls[slot].parties[i]);
        }
}

/* --- the writer and the events --- */
static void take_events(void)
{
    struct hk_event events[64];
    int count;
    while ((count = hk_take_events(engine, events, 64)) > 0)
        for (int i = 0; i < count; i++) {
            char path[512];
            MUST(events[i].kind >= HK_PLAYER_FINISHED && events[i].kind <= HK_PORT_REACHED);
            told[events[i].kind]++;
            if (events[i].kind != HK_RECORDER_STOPPED)
                continue;
            MUST(events[i].reason == HK_ENDED && events[i].missing == 0);
            snprintf(path, sizeof path, "%s/recordings/%lld.wav", folder, (long long)events[i].id);
            MUST(unlink(path) == 0);
        }
}

/* The disk is given the time it needs: here the clock stands still meanwhile. */
static void let_write(uint64_t stopped)
{
    uint64_t one = 1;
    for (int tries = 0; tries < 60000; tries++) {
        MUST(write(engine->writer_fd, &one, sizeof one) == sizeof one);
        take_events();
        if (!atomic_load(&engine->jobs.head) && told[HK_RECORDER_STOPPED] >= stopped)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    MUST(!"the writer has written");
}

/* --- what is held --- */
struct count {
    size_t heap;
    long resident, descriptors;
};

static long descriptors(void)
{
    long count = 0;
    DIR *open_ones = opendir("/proc/self/fd");
    MUST(open_ones);
    while (readdir(open_ones))
        count++;
    closedir(open_ones);
    return count;
}

static struct count count_up(int minute)
{
    long pages = 0, resident = 0;
    for (int slot = 0; slot < SLOTS; slot++)
        if (calls[slot].on)
            end_call(slot);
    quiet_empty(engine);
    let_write(made);
    quiet_is_empty(engine);
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld %ld", &pages, &resident) == 2);
    fclose(file);
    struct count now = {mallinfo2().uordblks, resident * sysconf(_SC_PAGESIZE) / 1024, descriptors()};
    printf("minute %d: heap %zu B, resident %ld kB, descriptors %ld, blocks %zu, calls %llu, forwarded %llu, mixed %llu\n", minute,
           now.heap, now.resident, now.descriptors, engine->fresh, (unsigned long long)begun,
           (unsigned long long)engine->figures.forwarded, (unsigned long long)engine->figures.mixed);
    fflush(stdout);
    return now;
}

static void one_second(int second, const char *prompt)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        if (!calls[slot].on && dice((unsigned)patterns[slot].pause) == 0)
            begin_call(slot, prompt);
        else if (calls[slot].on && (int64_t)engine->tick >= calls[slot].until)
            end_call(slot);
        else if (calls[slot].on && dice(6) == 0)
            change_call(slot);
    }
    quiet_commit(engine);
    for (int i = 0; i < TICKS; i++) {
        talk();
        quiet_tick(engine);
        if (i % 10 == 0)
            take_events();
    }
    if (second % 4 == 0) /* of the ten that may wait for the disk */
        let_write(0);
}

static void listen_for_us(int *fd)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof own;
    int small = 4096;
    *fd = socket(AF_INET, SOCK_DGRAM, 0);
    MUST(*fd >= 0 && bind(*fd, (struct sockaddr *)&own, size) == 0);
    MUST(setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    MUST(getsockname(*fd, (struct sockaddr *)&own, &size) == 0);
    sink = ntohs(own.sin_port);
}

int main(int argc, char **argv)
{
    char prompt[512];
    int fd;
    pthread_t writer;
    struct count first = {0}, last = {0};
    MUST(argc == 4);
    folder = argv[1];
    int minutes = atoi(argv[2]);
    printf("%d minutes\n", minutes); /* which gets the memory that printing needs */
    for (int i = atoi(argv[3]); i > 0; i--)
        dice(2);
    engine = quiet_new();
    listen_for_us(&fd);
    write_prompt(prompt, sizeof prompt);
    code_frames(HK_PCMU, 8000);
    code_frames(HK_PCMA, 8000);
    code_frames(HK_G722, 16000);
    code_frames(HK_OPUS, 48000);
    code_frames(HK_L16, 16000);
    MUST(pthread_create(&writer, NULL, writer_main, engine) == 0);
    for (int minute = 1; minute <= minutes; minute++) {
        for (int second = 0; second < 60; second++)
            one_second(second, prompt);
        if (minute % COUNT_MINUTES == 0 || minute == minutes)
            last = count_up(minute);
        if (minute == COUNT_MINUTES)
            first = last;
    }
    printf("events");
    for (int kind = 1; kind <= HK_PORT_REACHED; kind++)
        printf(" %llu", (unsigned long long)told[kind]);
    printf("\n");
    atomic_store(&engine->writer_ends, true);
    let_write(0);
    pthread_join(writer, NULL);
    MUST(begun == ended && told[HK_RECORDER_STARTED] == made && told[HK_RECORDER_STOPPED] == made);
    MUST(engine->figures.forwarded && engine->figures.mixed && engine->lost_events == 0);
    for (int kind = HK_PLAYER_FINISHED; kind <= HK_SPEECH; kind++)
        MUST(told[kind] > 0 || kind == HK_TONE || minutes < COUNT_MINUTES);
    if (minutes > COUNT_MINUTES) {
        MUST(last.heap <= first.heap + 1024);
        MUST(last.descriptors == first.descriptors);
        MUST(last.resident <= first.resident + 1024);
    }
    engine_release(engine);
    close(fd);
    return 0;
}
