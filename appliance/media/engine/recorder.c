/* The engine thread's side of recordings: packets are laid into blocks at the place their time gives, and blocks that
 * nothing can come for any more go to the writer thread. The disk is never waited for. */
#include <string.h>
#include <unistd.h>

#include "align.h"
#include "codec.h"
#include "core.h"
#include "list.h"
#include "recorder.h"
#include "resample.h"
#include "units.h"

/* While nothing is heard no block leaves, and the header would say how far the recording was when somebody spoke last:
 * after a crash much later nobody could tell silence from time in which nothing was recorded. */
#define MARK_NS (5 * NS_PER_SECOND)

static void pass_job(hk_engine *engine, struct job *job, bool wake)
{
    uint64_t one = 1;
    handover_push(&engine->jobs, &job->pass);
    if (wake)
        (void)!write(engine->writer_fd, &one, sizeof one);
}

/* --- blocks: from what the writer gave back, else from the arena --- */
static struct block *get_block(hk_engine *engine, struct recording *recording)
{
    if (atomic_load_explicit(&recording->waiting, memory_order_relaxed) >= BLOCKS_LARGEST * (recording->rate / 8000))
        return NULL;
    if (!engine->spare) {
        struct pass *item = handover_take(&engine->free_blocks);
        engine->spare = item ? CONTAINER(item, struct block, job.pass) : NULL;
    }
    struct block *block = engine->spare;
    if (block)
        engine->spare = block->job.pass.next ? CONTAINER(block->job.pass.next, struct block, job.pass) : NULL;
    else if (engine->fresh < ARENA_BLOCKS)
        block = &engine->arena[engine->fresh++];
    else
        return NULL;
    memset(block->audio, 0, sizeof block->audio);
    return block;
}

static int64_t position_now(const hk_engine *engine, const struct recorder *recorder)
{
    int64_t passed = recorder->passing ? engine->now - recorder->since : 0;
    return recorder->position + passed * recorder->scale / NS_PER_SAMPLE;
}

static void send_block(hk_engine *engine, struct recorder *recorder, struct block *block, int64_t frames)
{
    recorder->told = engine->now;
    block->job.kind = JOB_AUDIO;
    block->job.recording = recorder->recording;
    block->job.position = recorder->base;
    block->job.frames = (uint32_t)frames;
    block->job.moment = (struct wav_moment){position_now(engine, recorder), engine->now,
                                            recorder->passing || recorder->ending};
    atomic_fetch_add_explicit(&recorder->recording->waiting, 1, memory_order_relaxed);
    pass_job(engine, &block->job, frames == 0);
}

/* The first block leaves with `frames` of it decided; the window moves on. */
static void commit(hk_engine *engine, struct recorder *recorder, int64_t frames)
{
    struct block *block = recorder->blocks[0];
    if (block && frames > 0) {
        send_block(engine, recorder, block, frames);
    } else if (block) {
        block->job.pass.next = engine->spare ? &engine->spare->job.pass : NULL;
        engine->spare = block;
    }
    memmove(recorder->blocks, recorder->blocks + 1, sizeof recorder->blocks - sizeof *recorder->blocks);
    recorder->blocks[BLOCK_WINDOW - 1] = NULL;
    recorder->base += frames;
}

static void move_on(hk_engine *engine, struct recorder *recorder, int64_t decided)
{
    while (decided - recorder->base >= BLOCK_FRAMES)
        commit(engine, recorder, BLOCK_FRAMES);
}

/* The file says at once how far it is and whether time passes in it. */
static void mark(hk_engine *engine, struct recorder *recorder)
{
    struct block *block = get_block(engine, recorder->recording);
    if (block)
        send_block(engine, recorder, block, 0);
}

void recorder_tick(hk_engine *engine)
{
    LIST_EACH (at, &engine->recorders) {
        struct recorder *recorder = CONTAINER(at, struct recorder, all);
        if (!recorder->passing)
            continue;
        move_on(engine, recorder, position_now(engine, recorder) - LATENESS * recorder->scale);
        if (engine->now - recorder->told >= MARK_NS)
            mark(engine, recorder);
    }
}

/* --- start, pause, end --- */
/* What has been heard up to this moment is complete: nothing of it may come later. */
static void close_window(hk_engine *engine, struct recorder *recorder)
{
    move_on(engine, recorder, recorder->position);
    for (int i = 0; i < BLOCK_WINDOW; i++) {
        int64_t rest = recorder->position - recorder->base;
        commit(engine, recorder, rest < 0 ? 0 : rest < BLOCK_FRAMES ? rest : BLOCK_FRAMES);
    }
}

static void run_on(hk_engine *engine, struct recorder *recorder, bool running, bool silent)
{
    bool passing = running || silent;
    if (running == recorder->hears && passing == recorder->passing)
        return;
    recorder->position = position_now(engine, recorder);
    recorder->since = engine->now;
    recorder->passing = passing;
    recorder->hears = running;
    recorder->from = recorder->position;
    if (!passing)
        close_window(engine, recorder);
    for (uint32_t i = 0; i < recorder->count; i++)
        recorder->taps[i].align.started = false;
}

void recorder_start(hk_engine *engine, struct recorder *recorder, bool running, bool silent)
{
    list_add(&engine->recorders, &recorder->all);
    recorder->recording->open.moment.at = recorder->told = engine->now;
    pass_job(engine, &recorder->recording->open, true);
    run_on(engine, recorder, running, silent);
}

void recorder_run(hk_engine *engine, struct recorder *recorder, bool running, bool silent)
{
    bool passing = recorder->passing;
    run_on(engine, recorder, running, silent);
    if (passing != recorder->passing)
        mark(engine, recorder);
}

void recorder_end(hk_engine *engine, struct recorder *recorder)
{
    recorder->ending = recorder->passing;
    run_on(engine, recorder, false, false);
    list_del(&recorder->all);
    recorder->recording->close.position = recorder->position;
    pass_job(engine, &recorder->recording->close, true);
    recorder->recording = NULL;
}

/* --- packets --- */
static int16_t saturated(int32_t sum)
{
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* Adds `n` samples of one side from `position` on; what lies outside the window, or before the recorder was started or
 * resumed, is left out. */
static void lay(hk_engine *engine, struct recorder *recorder, int side, int64_t position, const int16_t *samples, int n)
{
    int64_t first = recorder->base > recorder->from ? recorder->base : recorder->from;
    for (int done = position >= first ? 0 : first - position < n ? (int)(first - position) : n; done < n;) {
        int64_t offset = position + done - recorder->base;
        int64_t index = offset / BLOCK_FRAMES;
        if (index >= BLOCK_WINDOW)
            return;
        int start = (int)(offset % BLOCK_FRAMES);
        int part = n - done < BLOCK_FRAMES - start ? n - done : BLOCK_FRAMES - start;
        if (!recorder->blocks[index] && !(recorder->blocks[index] = get_block(engine, recorder->recording))) {
            recorder->recording->missing += side == 0 ? part : 0;
        } else {
            int16_t *to = recorder->blocks[index]->audio + (size_t)2 * (size_t)start + side;
            for (int i = 0; i < part; i++)
                to[(ptrdiff_t)2 * i] = saturated(to[(ptrdiff_t)2 * i] + samples[done + i]);
        }
        done += part;
    }
}

enum { PART = 480 }; /* samples that a resampler is given at once */

/* The samples at the recorder's rate; gives how many. */
static int at_rate(struct tap *tap, int16_t *out, int to, const int16_t *in, int n, int from)
{
    int made = 0, step = from > to ? from / to : 1;
    n -= n % step;
    for (int done = 0; done < n; done += PART)
        made += (int)resample(&tap->resampler, out + made, to, in + done, (size_t)(n - done < PART ? n - done : PART), from);
    return made;
}

/* `samples` are at the recorder's rate. */
static void hear(hk_engine *engine, struct tap *tap, const struct said *said, const int16_t *samples, int n)
{
    struct recorder *recorder = tap->recorder;
    int skip, side = tap->right ? 1 : 0, scale = recorder->scale;
    /* The packet is sent when its last sound was heard. Places are found at 8 kHz, whatever the recorder's rate. */
    int long_8 = n / scale;
    int64_t arrival = position_now(engine, recorder) / scale - said->ago / NS_PER_SAMPLE - long_8;
    int64_t position = scale * align_place(&tap->align, said->stream, said->timestamp, arrival, long_8, &skip);
    skip *= scale;
    if (skip < 0)
        lay(engine, recorder, side, position + skip, samples, -skip);
    if (skip > 0 && skip < n)
        lay(engine, recorder, side, position + skip, samples + skip, n - skip);
    else if (skip <= 0)
        lay(engine, recorder, side, position, samples, n);
}

void recorder_hear(hk_engine *engine, struct tap *tap, const struct said *said)
{
    const struct recorder *recorder = tap->recorder;
    int wanted = 8000 * recorder->scale;
    if (!recorder->hears || atomic_load_explicit(&recorder->recording->failed, memory_order_relaxed))
        return;
    if (said->rate == wanted) {
        hear(engine, tap, said, said->samples, said->n);
    } else if (said->rate > wanted || said->n <= CODEC_TAP / 2) {
        int16_t resampled[CODEC_TAP] = {0};
        int n = at_rate(tap, resampled, wanted, said->samples, said->n, said->rate);
        hear(engine, tap, said, resampled, n);
    }
}
