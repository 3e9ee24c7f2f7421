/* Every 20 ms: players move on, and who hears more than one source, or a player, gets the sum. */
#include <string.h>

#include "internal.h"

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

static const int16_t *frame_of(hk_engine *engine, struct object *source)
{
    if (source->kind == PLAYER) {
        const struct player *player = (const struct player *)source;
        return player->finished ? NULL : player->frame;
    }
    struct port *port = (struct port *)source;
    if (port->frame_tick != engine->tick) {
        port->frame_tick = engine->tick;
        port->frame_there = jitter_get(&port->jitter, port->frame, TICK_SAMPLES);
    }
    return port->frame_there ? port->frame : NULL;
}

static void add(int32_t *sum, const int16_t *frame, int32_t gain)
{
    if (gain == GAIN_ONE)
        for (int i = 0; i < TICK_SAMPLES; i++)
            sum[i] += frame[i];
    else
        for (int i = 0; i < TICK_SAMPLES; i++)
            sum[i] += (frame[i] * gain) / GAIN_ONE;
}

static void serve(hk_engine *engine, struct port *port)
{
    int32_t sum[TICK_SAMPLES] = {0};
    int16_t samples[TICK_SAMPLES];
    LIST_EACH (at, &port->hears) {
        const struct link *link = CONTAINER(at, struct link, of_listener);
        const int16_t *frame = link->source && link->gain > 0 ? frame_of(engine, link->source) : NULL;
        if (frame)
            add(sum, frame, link->gain);
    }
    for (int i = 0; i < TICK_SAMPLES; i++)
        samples[i] = (int16_t)(sum[i] > INT16_MAX ? INT16_MAX : sum[i] < INT16_MIN ? INT16_MIN : sum[i]);
    port_send_audio(engine, port, samples);
}

void mix_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->players)
        player_advance(engine, CONTAINER(at, struct player, all));
    LIST_EACH (at, &engine->mixed)
        serve(engine, CONTAINER(at, struct port, mixed));
}
