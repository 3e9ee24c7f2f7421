/* Rows of every kind put, changed and dropped in any order, packets and ticks in between: what the command side and the
 * engine thread do, one after the other. A row under an id of another kind, links to what does not exist or is itself,
 * keys that change, prompts that cannot be read: nothing may be left behind, and nothing be touched after it went.
 *
 * Input: commands of one byte, each followed by what it takes; what is missing is zero. The sockets are not the point:
 * all ports share one. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include "quiet.h"

enum { IDS = 24, MOST_LINKS = 12, MOST_TAPS = 5, PROMPT = 44 + 640 };
enum { TICK, PUT_A_PORT, PUT_A_MIX, PUT_A_PLAYER, PUT_A_RECORDER, PUT_A_DETECTOR, DROP_IT, COMMIT, PACKET, REPORT, LEAP, COMMANDS };

static const uint8_t *input;
static size_t left;
static hk_engine *engine;
static enum kind rows[IDS];       /* as the command side stated them; 0: none */
static int writing;               /* recordings that the writer has open */
static int shared_socket = -1, prompt = -1;
static char prompt_path[64];
static struct stream {
    uint16_t sequence;
    uint32_t timestamp;
    struct hk_keys keys; /* what its party sends with */
} streams[IDS];

static uint8_t byte(void)
{
    if (!left)
        return 0;
    left--;
    return *input++;
}

static int64_t an_id(void) { return byte() % IDS; }

/* --- in place of sockets.c's: no port is ever taken by another program, or by the run before --- */
int __wrap_open_sockets(const union address *local, uint8_t dscp, struct sockets *sockets);

int __wrap_open_sockets(const union address *local, uint8_t dscp, struct sockets *sockets)
{
    (void)dscp;
    *sockets = (struct sockets){-1, -1, -1};
    if (address_port(local) == 9998)
        return -EACCES;
    sockets->rtp = dup(shared_socket);
    sockets->twin = dup(shared_socket);
    sockets->rtcp = dup(shared_socket);
    MUST(sockets->rtp >= 0 && sockets->twin >= 0 && sockets->rtcp >= 0);
    return 0;
}

static void set_up_once(void)
{
    uint8_t wav[PROMPT] = "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x80\x02";
    for (size_t i = 44; i < sizeof wav; i++)
        wav[i] = (uint8_t)(i * 7);
    shared_socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    prompt = memfd_create("prompt", MFD_CLOEXEC);
    MUST(shared_socket >= 0 && prompt >= 0 && write(prompt, wav, sizeof wav) == sizeof wav);
    snprintf(prompt_path, sizeof prompt_path, "/proc/self/fd/%d", prompt);
}

/* --- rows --- */
static const struct hk_payload PAYLOADS[] = {
    {0, HK_PCMU, 8000},   {8, HK_PCMA, 8000},  {9, HK_G722, 8000},    {13, HK_CN, 8000},     {96, HK_OPUS, 48000},
    {97, HK_L16, 16000},  {98, HK_L16, 48000}, {101, HK_EVENTS, 8000}, {102, HK_EVENTS, 48000}, {99, HK_L16, 44100},
    {100, HK_L16, 8000},  {200, 99, 8000},     {0, HK_NONE, 0},       {103, HK_EVENTS, 11025}, {110, HK_OPUS, 8000},
    {8, HK_EVENTS, 16000}};
enum { KNOWN_PAYLOADS = sizeof PAYLOADS / sizeof *PAYLOADS };

static struct hk_payload a_payload(void) { return PAYLOADS[byte() % KNOWN_PAYLOADS]; }

static struct hk_keys some_keys(void)
{
    unsigned said = byte();
    struct hk_keys keys = {.suite = said & 128 ? (uint8_t)(said % 5) : HK_PLAIN};
    memset(keys.key, (int)(said >> 3 & 3), sizeof keys.key);
    return keys;
}

static void an_address(char host[48], uint16_t *port)
{
    static const char *const hosts[] = {"127.9.9.1", "127.9.9.2", "127.9.9.3", "::1", "nonsense", "255.255.255.255", ""};
    unsigned said = byte();
    strcpy(host, hosts[said % 16 < 7 ? said % 16 : 0]);
    *port = said & 128 ? 0 : 9; /* discard */
}

static double a_number(void)
{
    static const double numbers[] = {0, 1, 0.5, 8, 1e300, -1, 0.001};
    unsigned said = byte();
    return said == 255 ? (double)NAN : said == 254 ? (double)INFINITY : numbers[said % 7];
}

static void put_port(void)
{
    struct hk_port row = {.id = an_id(), .local_host = "127.0.0.1", .local_port = 9996};
    unsigned flags = byte(), more = byte();
    an_address(row.remote_host, &row.remote_port);
    if (more & 1)
        an_address(row.remote_rtcp_host, &row.remote_rtcp_port);
    if (more & 2)
        row.local_port = (uint16_t[]){9998, 0, UINT16_MAX, 9994}[flags & 3];
    if (more & 4)
        strcpy(row.local_host, flags & 1 ? "::1" : "here");
    if (more & 8) {
        row.receive_count = byte() % 20;
        for (int i = 0; i < row.receive_count && i < 16; i++)
            row.receive[i] = a_payload();
    } else {
        row.receive_count = 9;
        memcpy(row.receive, PAYLOADS, 9 * sizeof *PAYLOADS);
    }
    row.send = a_payload();
    if (more & 16)
        row.send_events = a_payload();
    if (more & 32)
        row.send_noise = a_payload();
    if (more & 64) {
        for (size_t i = 0, n = byte() % sizeof row.press; i < n; i++)
            row.press[i] = "123456789*0#ABCD!,x\xff"[byte() % 20];
        row.press_generation = byte() % 4;
    }
    if (more & 128) {
        row.protect = some_keys();
        row.unprotect = some_keys();
    }
    row.sending = !(flags & 4);
    row.receiving = !(flags & 8);
    row.rtcp_mux = flags & 16;
    row.send_metrics = flags & 32;
    row.press_tones = flags & 64;
    row.ptime = flags & 128 ? byte() : 20;
    row.timeout = a_number();
    row.generation = byte() % 3;
    row.dscp = (uint8_t)flags;
    int result = hk_put_port(engine, &row);
    MUST(result <= 0);
    if (result == 0) {
        rows[row.id] = PORT;
        streams[row.id].keys = row.unprotect;
    } else if (rows[row.id] != PORT && !engine->known[row.id]) {
        rows[row.id] = 0; /* what was there went, as an id of another kind */
    }
}

static void put_mix(void)
{
    struct hk_link links[MOST_LINKS];
    int64_t id = an_id();
    uint32_t count = byte() % (MOST_LINKS + 1);
    for (uint32_t i = 0; i < count; i++)
        links[i] = (struct hk_link){an_id(), an_id(), a_number()};
    MUST(hk_put_mix(engine, id, links, count) == 0);
    rows[id] = MIX;
}

static void put_player(void)
{
    const char *files[] = {prompt_path, "/nowhere", prompt_path, "/", prompt_path};
    int64_t id = an_id();
    uint32_t from = byte() % 5, count = byte() % (6 - from);
    int left_out = hk_put_player(engine, id, byte() % 3, (int32_t)byte() % 7 - 1, files + from, count);
    MUST(left_out >= 0 && (uint32_t)left_out <= count);
    rows[id] = PLAYER;
}

static void put_recorder(void)
{
    int64_t right[MOST_TAPS];
    struct hk_recorder row = {.id = an_id(), .path = "/nowhere/at/all.wav", .comment = "fuzz", .left = an_id(), .right = right};
    unsigned flags = byte();
    row.right_count = byte() % (MOST_TAPS + 1);
    for (uint32_t i = 0; i < row.right_count; i++)
        right[i] = an_id();
    row.running = flags & 1;
    row.silent = flags & 2;
    row.rate = (uint32_t[]){0, 8000, 16000, 44100}[flags >> 2 & 3];
    MUST(hk_put_recorder(engine, &row) == 0);
    rows[row.id] = RECORDER;
}

static void put_detector(void)
{
    struct hk_detector row = {.id = an_id(), .port = an_id()};
    unsigned flags = byte();
    row.keys = flags & 1;
    row.tones = flags & 2;
    row.speech = flags & 4;
    row.hangover = (uint16_t)(flags & 8 ? byte() * 257 : 60);
    MUST(hk_put_detector(engine, &row) == 0);
    rows[row.id] = DETECTOR;
}

/* --- the writer's part --- */
static void write_files(void)
{
    struct pass *item = handover_take(&engine->jobs);
    while (item) {
        struct job *job = CONTAINER(item, struct job, pass);
        struct recording *recording = job->recording;
        item = item->next;
        switch (job->kind) {
        case JOB_OPEN:
            MUST(recording->written == 0);
            writing++;
            break;
        case JOB_AUDIO:
            MUST(job->position >= 0 && job->frames <= BLOCK_FRAMES); /* 0: only the moment */
            MUST(job->position >= recording->written);
            recording->written = job->position + job->frames;
            atomic_fetch_sub(&recording->waiting, 1);
            handover_push(&engine->free_blocks, &job->pass);
            break;
        case JOB_CLOSE:
            MUST(job->position >= recording->written && atomic_load(&recording->waiting) == 0);
            writing--;
            free(recording->path);
            free(recording);
            break;
        }
    }
}

static void take_events(void)
{
    struct hk_event events[16];
    int count;
    while ((count = hk_take_events(engine, events, 16)) > 0)
        for (int i = 0; i < count; i++) {
            const struct hk_event *event = &events[i];
            MUST(event->kind >= HK_PLAYER_FINISHED && event->kind <= HK_PORT_REACHED);
            MUST(event->id >= 0 && event->id < IDS && event->milliseconds >= 0 && event->seconds >= 0);
            MUST(event->kind != HK_DIGIT || telephone_event_code(event->digit) >= 0);
            MUST(event->kind != HK_PORT_STATS || (event->decided >= event->gone && event->jitter_ms >= 0));
            MUST(memchr(event->source_host, 0, sizeof event->source_host));
        }
}

/* --- the network's part --- */
static void from_address(union address *from)
{
    unsigned said = byte();
    MUST(address_parse(from, said % 8 == 7 ? "127.9.9.2" : "127.9.9.1", said % 8 == 6 ? 7 : 9) == 0);
}

static size_t protected(const struct hk_keys *keys, uint8_t *packet, size_t size, bool report)
{
    uint8_t out[DATAGRAM + CRYPTO_TRAILER];
    int error;
    uint32_t ssrc = 0;
    for (int i = 0; i < 4; i++)
        ssrc = ssrc << 8 | packet[(report ? 4 : 8) + i];
    struct crypto *sender = crypto_new(keys, ssrc, &error);
    if (!sender)
        return size;
    size_t whole = report ? crypto_protect_report(sender, packet, size, out) : crypto_protect(sender, packet, size, out);
    crypto_free(sender);
    if (whole)
        memcpy(packet, out, whole);
    return whole ? whole : size;
}

static void packet(void)
{
    static const uint16_t steps[] = {1, 1, 1, 1, 2, 0, 0xffff, 3000};
    static const uint32_t times[] = {160, 160, 320, 960, 0, 80, 8000, 0x80000000};
    _Alignas(8) uint8_t data[DATAGRAM + CRYPTO_TRAILER] = {0};
    union address from;
    int64_t id = an_id();
    struct stream *stream = &streams[id];
    unsigned how = byte(), length = byte(), fill = byte();
    size_t size = RTP_HEADER + (how & 64 ? length * 7u : length);
    from_address(&from);
    stream->sequence = (uint16_t)(stream->sequence + steps[how & 7]);
    stream->timestamp += times[how >> 3 & 7];
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(fill * i);
    for (size_t i = 0; i < 12 && i < size - RTP_HEADER; i++)
        data[RTP_HEADER + i] = byte();
    rtp_write(data, how & 128, PAYLOADS[byte() % KNOWN_PAYLOADS].number & 127, stream->sequence, stream->timestamp,
              (uint32_t)id + 1);
    if (stream->keys.suite && stream->keys.suite <= HK_AEAD_AES_128_GCM)
        size = protected(&stream->keys, data, size, false);
    struct object *to = find_object(engine, id);
    if (to && to->kind == PORT)
        port_receive(engine, (struct port *)to, data, size, &from);
}

static void report(void)
{
    _Alignas(8) uint8_t data[DATAGRAM + CRYPTO_TRAILER] = {0x81, 201, 0, 7};
    union address from;
    int64_t id = an_id();
    struct object *to = find_object(engine, id);
    size_t size = 8 + byte() % 200u;
    from_address(&from);
    for (size_t i = 0; i < size && left; i++)
        data[i] = i < 4 && !(byte() & 1) ? data[i] : byte();
    if (streams[id].keys.suite && streams[id].keys.suite <= HK_AEAD_AES_128_GCM)
        size = protected(&streams[id].keys, data, size, true);
    if (to && to->kind == PORT)
        port_rtcp(engine, (struct port *)to, data, size, &from);
}

/* --- what must always be true --- */
static void check(void)
{
    uint64_t count = 0;
    for (int64_t id = 0; id < IDS; id++) {
        const struct object *object = find_object(engine, id);
        MUST(rows[id] ? object && object->kind == rows[id] : !object);
        count += rows[id] != 0;
    }
    MUST(engine->figures.rows == count && list_empty(&engine->dirty));
    LIST_EACH (at, &engine->mixed)
        MUST(CONTAINER(at, struct port, mixed)->hearing == HEARS_MIX);
    LIST_EACH (at, &engine->recorders)
        MUST(CONTAINER(at, struct recorder, all)->recording);
}

static void settle(void)
{
    quiet_commit(engine);
    check();
}

/* A tick costs as much as there is to mix and to code. */
static void tick(int *budget)
{
    if (!engine->figures.rows && !engine->leaving)
        engine->ticking = false; /* as the engine thread does: it sleeps, and counts on by the clock */
    if (!engine->ticking) {
        engine->now += NS_PER_TICK;
        return;
    }
    *budget -= 1;
    LIST_EACH (at, &engine->mixed)
        --*budget;
    quiet_tick(engine);
    free_done(engine);
}

/* The machine stood still. */
static void leap(void)
{
    engine->now += byte() * INT64_C(40000000);
    uint64_t due = (uint64_t)((engine->now - engine->anchor) / NS_PER_TICK) + 1;
    if (due <= engine->tick + 5)
        return;
    engine->tick = due - 1;
    LIST_EACH (at, &engine->mixed)
        CONTAINER(at, struct port, mixed)->out.mixing = false;
}

static void obey(unsigned command, int *budget)
{
    switch (command) {
    case TICK:
        for (int n = 1 + byte() % 16; n > 0 && *budget > 0; n--)
            tick(budget);
        write_files();
        take_events();
        break;
    case PUT_A_PORT:
        put_port();
        break;
    case PUT_A_MIX:
        put_mix();
        break;
    case PUT_A_PLAYER:
        put_player();
        break;
    case PUT_A_RECORDER:
        put_recorder();
        break;
    case PUT_A_DETECTOR:
        put_detector();
        break;
    case DROP_IT: {
        int64_t id = an_id();
        hk_drop(engine, id);
        rows[id] = 0;
        break;
    }
    case COMMIT:
        settle();
        break;
    case PACKET:
        if (engine->now < engine->anchor + (int64_t)engine->tick * NS_PER_TICK)
            engine->now += NS_PER_TICK / 8;
        packet();
        break;
    case REPORT:
        report();
        break;
    case LEAP:
        leap();
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int budget = 1500;
    if (shared_socket < 0)
        set_up_once();
    input = data;
    left = size;
    memset(rows, 0, sizeof rows);
    memset(streams, 0, sizeof streams);
    engine = quiet_new();
    engine->random = engine->dice = 1;
    while (left > 0 && budget > 0)
        obey(byte() % COMMANDS, &budget);
    settle();
    quiet_empty(engine);
    write_files();
    take_events();
    MUST(writing == 0);
    quiet_is_empty(engine);
    engine_release(engine);
    return 0;
}
