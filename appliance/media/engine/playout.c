#include "playout.h"

#include <string.h>

#include "engine.h"

#define MS INT64_C(1000000)
#define WINDOW (5000 * MS)     /* in which the fastest packet is looked for, twice */
#define FIRST_TARGET (40 * MS) /* until something is known of the network */
#define LEAST_TARGET (14 * MS)
#define MOST_TARGET (240 * MS)
#define FAR (250 * MS)         /* off the time that was expected: another clock */
#define FEW 25                 /* packets that tell nothing yet */

enum { BUCKET_MS = 4, GUARD = 64, FORGET = 1024, LOSSY = 1500 /* packets: half a minute */ };

void playout_reset(struct playout *playout)
{
    memset(playout, 0, offsetof(struct playout, store));
    playout->noise.random = 1;
}

/* --- delays --- */
static int64_t span(const struct playout *playout, int32_t units)
{
    return (int64_t)units * 125000 / (playout->units ? playout->units : 1);
}

/* When the fastest of packets with this timestamp would come. */
static int64_t due(const struct playout *playout, uint32_t timestamp)
{
    int64_t fastest = playout->fastest[0] < playout->fastest[1] ? playout->fastest[0] : playout->fastest[1];
    return playout->reference_time + span(playout, (int32_t)(timestamp - playout->reference)) + fastest;
}

int64_t playout_target(const struct playout *playout)
{
    int64_t target = playout->packets < FEW ? FIRST_TARGET : playout->target;
    /* Opus carries a copy of each packet in the next one: where packets get lost it is waited for. */
    return target + (playout->codec == HK_OPUS && playout->lossy ? 20 * MS : 0);
}

static void choose_target(struct playout *playout)
{
    int bucket = PLAYOUT_BUCKETS - 1;
    unsigned tail = 0;
    while (bucket > 0 && (tail += playout->counts[bucket]) * 200 <= playout->packets)
        bucket--;
    int64_t target = (bucket + 1) * BUCKET_MS * MS + 4 * MS;
    playout->target = target < LEAST_TARGET ? LEAST_TARGET : target > MOST_TARGET ? MOST_TARGET : target;
}

static void count(struct playout *playout, int bucket)
{
    playout->counts[bucket]++;
    playout->packets++;
    if (playout->packets == FORGET) {
        playout->packets = 0;
        for (int i = 0; i < PLAYOUT_BUCKETS; i++)
            playout->packets += playout->counts[i] /= 2;
    }
    if (playout->packets % 16 == 0 || playout->packets < 2 * FEW)
        choose_target(playout);
}

static void learn(struct playout *playout, uint32_t timestamp, int64_t now)
{
    int64_t transit = now - playout->reference_time - span(playout, (int32_t)(timestamp - playout->reference));
    if (now - playout->window_from > WINDOW) {
        playout->fastest[1] = playout->fastest[0];
        playout->fastest[0] = transit;
        playout->window_from = now;
    }
    if (transit < playout->fastest[0])
        playout->fastest[0] = transit;
    int64_t behind = now - due(playout, timestamp);
    int bucket = (int)(behind / (BUCKET_MS * MS));
    bucket = bucket < 0 ? 0 : bucket >= PLAYOUT_BUCKETS ? PLAYOUT_BUCKETS - 1 : bucket;
    count(playout, bucket);
}

/* The reference follows, so that differences of timestamps stay small however long the stream runs. */
static void refer(struct playout *playout, uint32_t timestamp)
{
    int32_t ahead = (int32_t)(timestamp - playout->reference);
    if (ahead <= 0 || ahead % playout->units)
        return;
    playout->reference_time += span(playout, ahead);
    playout->reference = timestamp;
}

/* --- packets that wait --- */
/* The first packet that waits, from `from` on; NULL: none. */
static struct playout_slot *first_from(struct playout *playout, uint16_t from)
{
    for (uint16_t sequence = from; (int16_t)(playout->newest - sequence) >= 0; sequence++) {
        struct playout_slot *slot = &playout->slots[sequence % PLAYOUT_SLOTS];
        if (!slot->used || slot->sequence != sequence)
            continue;
        if (playout->written - slot->at <= PLAYOUT_STORE)
            return slot;
        slot->used = false; /* written over */
    }
    return NULL;
}

/* --- samples --- */
static int16_t *room(struct playout *playout, int n)
{
    if (playout->end + n > PLAYOUT_SAMPLES) {
        int kept = playout->start < PLAYOUT_HISTORY ? playout->start : PLAYOUT_HISTORY, from = playout->start - kept;
        memmove(playout->pcm, playout->pcm + from, (size_t)(playout->end - from) * sizeof *playout->pcm);
        playout->start -= from;
        playout->end -= from;
    }
    return playout->end + n > PLAYOUT_SAMPLES ? NULL : playout->pcm + playout->end;
}

static int pending(const struct playout *playout) { return playout->end - playout->start; }

static int64_t pending_ns(const struct playout *playout)
{
    return playout->rate ? (int64_t)pending(playout) * 1000000000 / playout->rate : 0;
}

/* How long after the fastest arrival this timestamp would be heard when it were decoded now. */
static int64_t delay_of(const struct playout *playout, uint32_t timestamp, int64_t now)
{
    return now + pending_ns(playout) - due(playout, timestamp);
}

static void appended(struct playout *playout, int n)
{
    playout->end += n;
    playout->silence = 0;
}

static void begin_concealment(struct playout *playout)
{
    if (!playout->concealment.on)
        conceal_begin(&playout->concealment, playout->rate, playout->pcm + playout->end, playout->end);
}

/* 10 ms that nobody sent. */
static void make_up(struct playout *playout, struct codecs *codecs)
{
    int n = playout->rate / 100;
    int16_t *out = room(playout, n);
    if (!out)
        return;
    playout->concealed++;
    if (playout->codec == HK_OPUS && playout->expanded < 1000 * MS && codec_opus_missing(codecs, NULL, 0, out, n) == n) {
        appended(playout, n);
    } else {
        begin_concealment(playout);
        bool over = conceal_over(&playout->concealment);
        conceal(&playout->concealment, out, n);
        if (playout->noise.level)
            noise_add(&playout->noise, out, n);
        playout->end += n;
        playout->silence = over && !playout->noise.level ? playout->silence + n : 0;
    }
    playout->expanded += 10 * MS;
}

static void set_rate(struct playout *playout, struct codecs *codecs, const struct playout_slot *slot, int opus_rate)
{
    int rate = slot->codec == HK_OPUS ? opus_rate : codec_rate(slot->codec, slot->units * 8000u);
    if (playout->codec != slot->codec)
        codec_begin_decoding(codecs);
    playout->codec = slot->codec;
    if (rate == playout->rate)
        return;
    playout->rate = rate;
    playout->start = playout->end = 0;
    playout->concealment.on = false;
}

/* Decodes the packet that is next. */
static void play(struct playout *playout, struct codecs *codecs, struct playout_slot *slot, int opus_rate)
{
    const uint8_t *payload = playout->store + slot->at % PLAYOUT_STORE;
    slot->used = false;
    playout->next = (uint16_t)(slot->sequence + 1);
    if (slot->codec == HK_EVENTS || slot->codec == HK_CN) {
        if (slot->codec == HK_CN) {
            noise_learn(&playout->noise, payload, slot->size);
            playout->talking = false;
        }
        return;
    }
    playout->at = slot->timestamp + (uint32_t)codec_duration(slot->codec, slot->units, payload, slot->size);
    set_rate(playout, codecs, slot, opus_rate);
    int16_t *out = room(playout, CODEC_LONGEST);
    int n = out ? codec_decode(codecs, slot->codec, playout->rate, payload, slot->size, out) : 0;
    if (n == 0)
        return;
    if (playout->concealment.on)
        conceal_join(&playout->concealment, out, n);
    playout->expanded = 0;
    appended(playout, n);
}

void playout_pass(struct playout *playout, struct codecs *codecs, int opus_rate)
{
    for (struct playout_slot *slot; playout->waiting && (slot = first_from(playout, playout->next));) {
        play(playout, codecs, slot, opus_rate);
        playout->start = playout->end;
    }
    playout->talking = playout->rate != 0;
}

/* A lost packet's part, with a later one at hand. */
static void replace(struct playout *playout, struct codecs *codecs, const struct playout_slot *later, int32_t gap)
{
    int n = (int)((int64_t)gap * playout->rate / (8000 * playout->units));
    int part = playout->rate / 50;
    const uint8_t *payload = playout->store + later->at % PLAYOUT_STORE;
    int length = codec_duration(later->codec, later->units, payload, later->size);
    bool copy = later->codec == HK_OPUS && playout->codec == HK_OPUS && gap <= length;
    n = !copy && n > part ? part : n;
    int16_t *out = room(playout, n);
    playout->at += (uint32_t)((int64_t)n * 8000 * playout->units / playout->rate);
    if (!out || n == 0) {
        playout->at = later->timestamp;
        return;
    }
    int made = playout->codec == HK_OPUS
                   ? codec_opus_missing(codecs, copy ? payload : NULL, copy ? later->size : 0, out, n)
                   : 0;
    if (made != n) {
        begin_concealment(playout);
        conceal(&playout->concealment, out, n);
    }
    playout->concealed++;
    appended(playout, n);
}

/* In a pause: the newest packet whose time has come begins to be heard; what a standstill of the network held up before
 * it is too late. */
static bool resume(struct playout *playout, struct codecs *codecs, struct playout_slot *slot, int opus_rate, int64_t now)
{
    int64_t target = playout_target(playout);
    if (slot->codec == HK_EVENTS || slot->codec == HK_CN) {
        play(playout, codecs, slot, opus_rate);
        return true;
    }
    if (delay_of(playout, slot->timestamp, now) < target)
        return false;
    for (struct playout_slot *later; (later = first_from(playout, (uint16_t)(slot->sequence + 1)));) {
        if (later->codec == HK_EVENTS || later->codec == HK_CN || delay_of(playout, later->timestamp, now) < target)
            break;
        playout->late++;
        slot->used = false;
        slot = later;
    }
    playout->talking = true;
    playout->at = slot->timestamp;
    play(playout, codecs, slot, opus_rate);
    return true;
}

/* False: nothing can be decoded now. */
static bool advance(struct playout *playout, struct codecs *codecs, int opus_rate, int64_t now)
{
    struct playout_slot *slot = playout->waiting ? first_from(playout, playout->next) : NULL;
    if (!slot)
        return false;
    if (!playout->talking || !playout->rate)
        return resume(playout, codecs, slot, opus_rate, now);
    int32_t gap = (int32_t)(slot->timestamp - playout->at);
    int64_t delay = delay_of(playout, slot->timestamp, now), target = playout_target(playout);
    if (slot->codec == HK_EVENTS || slot->codec == HK_CN) {
        play(playout, codecs, slot, opus_rate);
    } else if (gap <= 0 && delay < target + 250 * MS) {
        playout->at = slot->timestamp;
        play(playout, codecs, slot, opus_rate);
    } else if (gap <= 0 || slot->sequence == playout->next || span(playout, gap) > 300 * MS) {
        playout->talking = false; /* far behind, a pause, or too much is missing to be made up */
    } else if (playout->expanded > 0) {
        /* Lost, and made up in part while we waited for it. */
        int64_t made = playout->expanded < span(playout, gap) ? playout->expanded : span(playout, gap);
        playout->at += (uint32_t)(made * playout->units / 125000);
        playout->expanded = 0;
        playout->lossy = LOSSY;
    } else {
        playout->lossy = LOSSY;
        replace(playout, codecs, slot, gap);
    }
    return true;
}

/* --- packets that come --- */
/* Whether its timestamp is where the clock of before would have it: then only the numbers began anew. */
static bool on_time(const struct playout *playout, const struct playout_packet *packet, int64_t now)
{
    int64_t behind = now - due(playout, packet->timestamp);
    return playout->waiting && packet->units == playout->units && behind > -FAR && behind < FAR;
}

static void begin(struct playout *playout, const struct playout_packet *packet, int64_t now)
{
    for (int i = 0; i < PLAYOUT_SLOTS; i++)
        playout->slots[i].used = false;
    playout->stream = packet->stream;
    playout->next = playout->newest = packet->sequence;
    if (on_time(playout, packet, now))
        return;
    playout->units = packet->units;
    playout->at = playout->reference = packet->timestamp;
    playout->reference_time = playout->window_from = now;
    playout->fastest[0] = playout->fastest[1] = 0;
    playout->waiting = true;
    playout->talking = false;
}

/* What waits of a timeline that ends is heard all the same, before the new one. */
static void play_rest(struct playout *playout, struct codecs *codecs, int opus_rate, int64_t now)
{
    for (int guard = 0; guard < GUARD; guard++) {
        const struct playout_slot *slot = playout->waiting ? first_from(playout, playout->next) : NULL;
        if (!slot)
            return;
        if (!playout->talking)
            playout->at = slot->timestamp;
        playout->talking = true;
        (void)advance(playout, codecs, opus_rate, now);
    }
}

void playout_put(struct playout *playout, struct codecs *codecs, int opus_rate, const struct playout_packet *packet,
                 int64_t now)
{
    bool audio = packet->codec != HK_EVENTS && packet->codec != HK_CN;
    if (packet->size > CODEC_LARGEST || packet->units == 0)
        return;
    int16_t ahead = (int16_t)(packet->sequence - playout->next);
    if (!playout->waiting || packet->stream != playout->stream || packet->units != playout->units ||
        ahead >= PLAYOUT_SLOTS) {
        if (!audio)
            return;
        play_rest(playout, codecs, opus_rate, now);
        begin(playout, packet, now);
        ahead = 0;
    }
    if (audio)
        learn(playout, packet->timestamp, now);
    if (ahead < 0) {
        playout->late++;
        return;
    }
    struct playout_slot *slot = &playout->slots[packet->sequence % PLAYOUT_SLOTS];
    uint32_t at = playout->written;
    if (at % PLAYOUT_STORE + packet->size > PLAYOUT_STORE)
        at += PLAYOUT_STORE - at % PLAYOUT_STORE;
    memcpy(playout->store + at % PLAYOUT_STORE, packet->payload, packet->size);
    playout->written = at + (uint32_t)packet->size;
    *slot = (struct playout_slot){true,          packet->sequence, (uint16_t)packet->size, packet->codec,
                                  packet->units, packet->timestamp, at};
    playout->lossy -= playout->lossy > 0;
    if ((int16_t)(packet->sequence - playout->newest) > 0)
        playout->newest = packet->sequence;
    if (audio)
        refer(playout, packet->timestamp);
}

/* --- longer and shorter --- */
static int loudness(const int16_t *samples, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += samples[i] < 0 ? -samples[i] : samples[i];
    return sum / n;
}

static void cut(struct playout *playout, int64_t excess, int64_t now, bool quiet)
{
    int most = playout->rate * 15 / 1000, window = playout->rate / 100, need = playout->rate / 50;
    int16_t *at = playout->pcm + playout->start;
    float alike;
    if (pending(playout) < need + most || pending(playout) < window + most)
        return;
    int period = find_period(at, 1, playout->rate, window, &alike);
    if (!quiet && (alike < 0.7f || now - playout->adjusted < (excess > 60 * MS ? 60 : 400) * MS))
        return;
    fade(at + period, at, at + period, period < pending(playout) - period ? period : pending(playout) - period);
    playout->start += period;
    playout->cut++;
    playout->adjusted = now;
}

static void stretch(struct playout *playout, int64_t now, bool quiet)
{
    int most = playout->rate * 15 / 1000, window = playout->rate / 100;
    float alike;
    if (!room(playout, most) || playout->start < most || pending(playout) < window)
        return;
    int16_t *at = playout->pcm + playout->start;
    int period = find_period(at, -1, playout->rate, window, &alike);
    if (!quiet && (alike < 0.7f || now - playout->adjusted < 60 * MS))
        return;
    int16_t again[PERIOD_MOST];
    fade(again, at, at - period, period);
    memmove(at + period, at, (size_t)pending(playout) * sizeof *at);
    memcpy(at, again, (size_t)period * sizeof *at);
    playout->end += period;
    playout->stretched++;
    playout->adjusted = now;
}

static void adjust(struct playout *playout, struct codecs *codecs, int opus_rate, int64_t now)
{
    int need = playout->rate / 50;
    if (!playout->talking || playout->concealment.on)
        return;
    int loud = loudness(playout->pcm + playout->start, need);
    playout->loudness = loud > playout->loudness ? loud : playout->loudness - playout->loudness / 512;
    bool quiet = loud < 40 || loud < playout->loudness / 20;
    /* The next packet is needed at the first tick that finds less than 20 ms, however much less. */
    int64_t needed = now + pending(playout) / need * 20 * MS, excess = needed - due(playout, playout->at) - playout_target(playout);
    if (excess > 24 * MS) {
        struct playout_slot *slot = first_from(playout, playout->next);
        int rate = playout->rate;
        if (pending(playout) < need * 7 / 4 && slot && slot->timestamp == playout->at && slot->codec == playout->codec)
            (void)advance(playout, codecs, opus_rate, now);
        if (rate == playout->rate)
            cut(playout, excess, now, quiet);
    } else if (excess < -(quiet ? 3 : 5) * MS) {
        stretch(playout, now, quiet);
    }
}

int playout_get(struct playout *playout, struct codecs *codecs, int opus_rate, int64_t now, int16_t *out)
{
    for (int guard = 0; guard < GUARD && (!playout->rate || pending(playout) < playout->rate / 50); guard++) {
        if (advance(playout, codecs, opus_rate, now))
            continue;
        if (!playout->rate)
            return 0;
        make_up(playout, codecs);
        if (playout->expanded > 150 * MS)
            playout->talking = false;
    }
    int need = playout->rate / 50;
    if (!need || pending(playout) < need)
        return 0;
    adjust(playout, codecs, opus_rate, now);
    bool silent = playout->silence >= pending(playout);
    memcpy(out, playout->pcm + playout->start, (size_t)need * sizeof *out);
    playout->start += need;
    return silent ? 0 : playout->rate;
}
