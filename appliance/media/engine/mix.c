/* Every 20 ms: players move on, and who hears more than one source, or a player, gets the sum. */
#include <string.h>

#include "codec.h"
#include "core.h"
#include "graph.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "playout.h"
#include "port.h"
#include "report.h"
#include "resample.h"
#include "send.h"
#include "units.h"

static void finish(hk_engine *engine, struct player *player)
{
    struct hk_event event = {.kind = HK_PLAYER_FINISHED, .id = player->object.id, .generation = player->generation};
    player->finished = true;
    tell(engine, &engine->from_engine, &event);
    engine->events_new = true;
}

/* Brings the player to the file that its next sample is in. False: there is none. */
static bool on_a_file(struct player *player)
{
    if (player->at < player->count && player->offset < player->sounds[player->at]->samples)
        return true;
    player->offset = 0;
    if (player->at < player->count)
        player->at++;
    if (player->at >= player->count && player->loop_from >= 0)
        player->at = (uint32_t)player->loop_from;
    return player->at < player->count;
}

void player_advance(hk_engine *engine, struct player *player)
{
    size_t have = 0;
    while (have < TICK_SAMPLES && !player->finished && on_a_file(player)) {
        const struct sound *sound = player->sounds[player->at];
        size_t part = sound->samples - player->offset;
        if (part > TICK_SAMPLES - have)
            part = TICK_SAMPLES - have;
        memcpy(player->frame + have, sound->audio + player->offset, part * sizeof(int16_t));
        player->offset += part;
        have += part;
    }
    if (have < TICK_SAMPLES)
        memset(player->frame + have, 0, (TICK_SAMPLES - have) * sizeof(int16_t));
    /* Finished when its last sample has been heard, not when it is merely due. */
    if (have == 0 && !player->finished)
        finish(engine, player);
}

/* --- sources at the rate that is asked for --- */
static int place_of_rate(int rate) { return rate == 8000 ? 0 : rate == 16000 ? 1 : 2; }

static const int16_t *resampled(hk_engine *engine, struct voice *voice, int rate, const int16_t *frame, int native)
{
    if (voice->tick == engine->tick)
        return voice->frame;
    if (voice->tick + 1 != engine->tick)
        memset(&voice->resampler, 0, sizeof voice->resampler);
    voice->tick = engine->tick;
    resample(&voice->resampler, voice->frame, rate, frame, (size_t)(native / TICKS), native);
    return voice->frame;
}

static const int16_t *frame_of_player(hk_engine *engine, struct player *player, int rate)
{
    if (player->finished)
        return NULL;
    return rate == 8000 ? player->frame
                        : resampled(engine, &player->voices[place_of_rate(rate)], rate, player->frame, 8000);
}

/* The source's next 20 ms, taken once a tick; NULL: there is nothing to hear. */
static const int16_t *frame_of(hk_engine *engine, struct object *source, int rate)
{
    if (source->kind == PLAYER)
        return frame_of_player(engine, (struct player *)source, rate);
    struct port *port = (struct port *)source;
    if (port->played != engine->tick) {
        int16_t frame[LARGEST_FRAME];
        port->played = engine->tick;
        /* By the tick's own time, not by when it came to be: delays are measured against a steady clock. */
        int64_t now = engine->anchor + (int64_t)engine->tick * NS_PER_TICK;
        port->native = playout_get(&port->playout, port->codecs, port->opus_rate, now, frame);
        if (port->native && port->watch.judged)
            watch_samples(port, frame, (size_t)(port->native / TICKS));
        if (port->native)
            memcpy(port->voices[place_of_rate(port->native)].frame, frame, (size_t)(port->native / TICKS) * sizeof *frame);
    }
    if (port->native == 0)
        return NULL;
    const int16_t *frame = port->voices[place_of_rate(port->native)].frame;
    return rate == port->native ? frame : resampled(engine, &port->voices[place_of_rate(rate)], rate, frame, port->native);
}

/* --- sums --- */
static void add(int32_t *sum, const int16_t *frame, int n, struct link *link)
{
    int32_t level = link->level, gain = link->gain;
    if (level == gain && gain == GAIN_ONE)
        for (int i = 0; i < n; i++)
            sum[i] += frame[i];
    else if (level == gain)
        for (int i = 0; i < n; i++)
            sum[i] += (frame[i] * gain) / GAIN_ONE;
    else
        for (int i = 0; i < n; i++)
            sum[i] += (frame[i] * (level + (gain - level) * (i + 1) / n)) / GAIN_ONE;
    link->level = gain;
}

/* --- from packets to a mix and back --- */
enum {
    ENOUGH_PACKETS = 3,   /* for concealment to know what it goes on from */
    LONGEST_HANDOVER = 6, /* ticks; who sends no packets in that time is not speaking */
    LONGEST_RETURN = 100, /* ticks; who speaks on without a pause is forwarded all the same */
    QUIET = 40            /* mean amplitude */
};

/* The listener's decoder has settled on the source's own coder: that of Opus learns what was said before it goes on from
 * it. (What G.722's has to know, it learns from the packets that passed.) */
static void prime_coder(struct port *port, const struct playout *playout)
{
    uint8_t unheard[CODEC_LARGEST];
    int frame = port->mix_rate / 8000 * port->config.frame, first = playout->end - playout->end / frame * frame;
    if (port->config.send_codec != HK_OPUS || playout->rate != port->mix_rate)
        return;
    for (int at = first; at + frame <= playout->end; at += frame)
        (void)codec_encode(port->codecs, port->config.send_codec, playout->rate, playout->pcm + at, frame, unheard);
}

/* True: the packets go on for now. */
static bool hands_over(hk_engine *engine, struct port *port)
{
    struct port *source = (struct port *)port->handover;
    if (!source)
        return false;
    if (source->playout.packets < ENOUGH_PACKETS && ++port->handover_ticks < LONGEST_HANDOVER)
        return true;
    playout_pass(&source->playout, source->codecs, source->opus_rate);
    port->handover = NULL;
    forward_rest(engine, port);
    port->out.from_stream = 0;
    port->pending_size = 0;
    prime_coder(port, &source->playout);
    return false;
}

/* A mix of one source becomes packets again in a pause of that one. */
static void returns(hk_engine *engine, struct port *port, const int32_t *sum, int n)
{
    int64_t loudness = 0;
    if (port->returning <= 0)
        return;
    for (int i = 0; i < n; i++)
        loudness += sum[i] < 0 ? -sum[i] : sum[i];
    if (loudness > (int64_t)QUIET * n && ++port->returning < LONGEST_RETURN)
        return;
    port->returning = -1;
    graph_touch(engine, port);
}

static void serve(hk_engine *engine, struct port *port)
{
    if (hands_over(engine, port))
        return;
    int32_t sum[LARGEST_FRAME];
    int16_t samples[LARGEST_FRAME];
    int n = port->mix_rate / TICKS;
    bool silent = true;
    memset(sum, 0, (size_t)n * sizeof *sum);
    LIST_EACH (at, &port->hears) {
        struct link *link = CONTAINER(at, struct link, of_listener);
        if (!link->source || (link->gain == 0 && link->level == 0))
            continue;
        const int16_t *frame = frame_of(engine, link->source, port->mix_rate);
        if (frame)
            add(sum, frame, n, link);
        silent = silent && !frame;
    }
    for (int i = 0; i < n; i++)
        samples[i] = (int16_t)(sum[i] > INT16_MAX ? INT16_MAX : sum[i] < INT16_MIN ? INT16_MIN : sum[i]);
    port_send_audio(engine, port, samples, silent);
    returns(engine, port, sum, n);
}

void mix_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->players)
        player_advance(engine, CONTAINER(at, struct player, all));
    LIST_EACH (at, &engine->mixed)
        serve(engine, CONTAINER(at, struct port, mixed));
    if (!list_empty(&engine->dirty))
        graph_settle(engine);
}
