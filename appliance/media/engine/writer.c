/* The writer thread: everything a recording does on the disk.
 *
 * That a recording stopped is told when its file is on the disk, not when it is on its way there.
 *
 * A file is playable whenever the process dies: first samples are written, then, each second, the sizes in the header.
 * So the header never promises more than there is, and at most a second of what is there is not promised
 * (`media.recordings` repairs that). A file that is there already is continued when its comment says that it is this
 * very recording (the media process was restarted), and never touched otherwise. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "list.h"
#include "recorder.h"
#include "units.h"
#include "wav.h"

enum { PAUSE_MS = 250, LONGEST_GAP = 180 };
#define HEADER_NS NS_PER_SECOND
#define LARGEST ((INT64_C(1) << 32) / WAV_FRAME - 65536)

static void tell_controller(hk_engine *engine, const struct hk_event *event)
{
    uint64_t one = 1;
    tell(engine, &engine->from_writer, event);
    (void)!write(engine->event_fd, &one, sizeof one);
}

static void stopped(hk_engine *engine, struct recording *recording, enum hk_stop reason, int error)
{
    struct hk_event event = {.kind = HK_RECORDER_STOPPED, .id = recording->id, .reason = reason, .error = error};
    event.seconds = (double)recording->written / recording->rate;
    /* Those of the engine thread are settled only when it has let go. */
    event.missing = (double)(recording->resumed + (reason == HK_ENDED ? recording->missing : 0)) / recording->rate;
    tell_controller(engine, &event);
}

static bool failed(struct recording *recording)
{
    return atomic_load_explicit(&recording->failed, memory_order_relaxed);
}

/* 0 or errno. A write cut short is tried again, which gives the reason. */
static int put(int fd, const void *data, size_t size, off_t at)
{
    const char *from = data;
    while (size > 0) {
        ssize_t n = pwrite(fd, from, size, at);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            from += n;
            size -= (size_t)n;
            at += n;
        }
    }
    return 0;
}

static int say_length(struct recording *recording)
{
    uint8_t header[WAV_HEADER];
    wav_header(header, recording->comment, (uint32_t)recording->rate, (uint32_t)recording->written, &recording->moment);
    recording->said = recording->written;
    recording->marked = false;
    return put(recording->fd, header, sizeof header, 0);
}

/* What reached the disk stays good: its sizes fit into the header that is there, however full the disk is. */
static void fail(hk_engine *engine, struct recording *recording, int error)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    struct stat status;
    atomic_store_explicit(&recording->failed, true, memory_order_relaxed);
    if (recording->fd >= 0 && fstat(recording->fd, &status) == 0 && status.st_size >= WAV_HEADER) {
        recording->written = (status.st_size - WAV_HEADER) / WAV_FRAME;
        (void)say_length(recording);
        (void)fdatasync(recording->fd);
    }
    stopped(engine, recording, full ? HK_DISK_FULL : HK_FAILED, error);
}

/* --- opening --- */
static void make_folders(const char *path)
{
    char folder[4096];
    size_t length = strlen(path);
    if (length >= sizeof folder)
        return;
    memcpy(folder, path, length + 1);
    for (char *at = folder + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        (void)mkdir(folder, 0700);
        *at = '/';
    }
}

/* Continues the file of this recording after a restart of the process. The time in between is silence, when it passed:
 * the header says how far the recording was when, however little of that was on its way to the disk. */
static int resume(struct recording *recording)
{
    uint8_t header[WAV_HEADER];
    struct wav_moment before;
    struct stat status;
    int fd = open(recording->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || pread(fd, header, WAV_HEADER, 0) != WAV_HEADER ||
        !wav_is_ours(header, recording->comment, (uint32_t)recording->rate, &before)) {
        close(fd);
        return EEXIST;
    }
    int64_t there = (status.st_size - WAV_HEADER) / WAV_FRAME, away = recording->open.moment.at - before.at;
    int64_t reached = before.passing && away > 0 && away <= LONGEST_GAP * NS_PER_SECOND
                          ? before.frames + away / 1000 * recording->rate / 1000000
                          : there;
    recording->fd = fd;
    recording->resumed = reached > there ? reached - there : 0;
    recording->offset = recording->written = there + recording->resumed;
    recording->moment = (struct wav_moment){recording->written, recording->open.moment.at, recording->running};
    if (ftruncate(fd, WAV_HEADER + recording->written * WAV_FRAME) < 0)
        return errno;
    return say_length(recording);
}

static int create(struct recording *recording)
{
    make_folders(recording->path);
    recording->fd = open(recording->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (recording->fd < 0)
        return errno == EEXIST ? resume(recording) : errno;
    recording->moment = (struct wav_moment){0, recording->open.moment.at, recording->running};
    int error = say_length(recording);
    if (error) {
        /* Without its header nobody would know it as this recording's again: not when the disk has room, not ever. */
        (void)unlink(recording->path);
        close(recording->fd);
        recording->fd = -1;
    }
    return error;
}

static void open_recording(hk_engine *engine, struct recording *recording, struct node *open_ones, int64_t now)
{
    list_init(&recording->all);
    int error = create(recording);
    if (error) {
        fail(engine, recording, error);
        return;
    }
    recording->header_at = now;
    list_add(open_ones, &recording->all);
    tell_controller(engine, &(struct hk_event){.kind = HK_RECORDER_STARTED, .id = recording->id});
}

/* --- writing --- */
static void write_block(hk_engine *engine, struct block *block)
{
    struct recording *recording = block->job.recording;
    int64_t position = recording->offset + block->job.position, end = position + block->job.frames;
    recording->moment = block->job.moment;
    recording->moment.frames += recording->offset;
    if (block->job.frames == 0) {
        recording->marked = true;
    } else if (!failed(recording)) {
        int error = end > LARGEST ? EOVERFLOW
                                  : put(recording->fd, block->audio, (size_t)block->job.frames * WAV_FRAME,
                                        WAV_HEADER + position * WAV_FRAME);
        if (error)
            fail(engine, recording, error);
        else if (end > recording->written)
            recording->written = end;
    }
    atomic_fetch_sub_explicit(&recording->waiting, 1, memory_order_relaxed);
    handover_push(&engine->free_blocks, &block->job.pass);
}

/* The file and its name are on the disk, or errno says why not. */
static int make_durable(struct recording *recording)
{
    int error = fdatasync(recording->fd) < 0 ? errno : 0;
    char *end = strrchr(recording->path, '/');
    if (error || !end)
        return error;
    *end = '\0';
    int folder = open(recording->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *end = '/';
    if (folder < 0)
        return errno;
    if (fsync(folder) < 0 && errno != EINVAL)
        error = errno;
    close(folder);
    return error;
}

static void close_recording(hk_engine *engine, struct recording *recording, int64_t length)
{
    if (!failed(recording)) {
        /* Silence at the end was never written: the file is made as long as the recording was. */
        int error = 0;
        if (recording->offset + length > recording->written) {
            recording->written = recording->offset + length;
            error = ftruncate(recording->fd, WAV_HEADER + recording->written * WAV_FRAME) < 0 ? errno : 0;
        }
        if (!error)
            error = say_length(recording);
        if (!error)
            error = make_durable(recording);
        if (error)
            fail(engine, recording, error);
        else
            stopped(engine, recording, HK_ENDED, 0);
    }
    list_del(&recording->all);
    if (recording->fd >= 0)
        close(recording->fd);
    free(recording->path);
    free(recording);
}

/* Once a second for each file: the header says what is there, and the disk is asked to begin with it. */
static void refresh(hk_engine *engine, struct node *open_ones, int64_t now)
{
    LIST_EACH (at, open_ones) {
        struct recording *recording = CONTAINER(at, struct recording, all);
        bool old = now - recording->header_at >= HEADER_NS && recording->said != recording->written;
        if (failed(recording) || (!old && !recording->marked))
            continue;
        recording->header_at = now;
        int error = say_length(recording);
        if (error)
            fail(engine, recording, error);
        else
            (void)sync_file_range(recording->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
}

static void work(hk_engine *engine, struct node *open_ones)
{
    struct pass *item = handover_take(&engine->jobs), *closings = NULL, **end = &closings;
    int64_t now = hk_now();
    while (item) {
        struct job *job = CONTAINER(item, struct job, pass);
        item = item->next;
        if (job->kind == JOB_OPEN)
            open_recording(engine, job->recording, open_ones, now);
        else if (job->kind == JOB_AUDIO)
            write_block(engine, CONTAINER(job, struct block, job));
        else
            *end = &job->pass, end = &job->pass.next, *end = NULL;
    }
    refresh(engine, open_ones, now);
    /* Last, since each waits for the disk: the audio of all others is written already. */
    while (closings) {
        struct job *job = CONTAINER(closings, struct job, pass);
        closings = closings->next;
        close_recording(engine, job->recording, job->position);
    }
}

void *writer_main(void *argument)
{
    hk_engine *engine = argument;
    struct node open_ones;
    uint64_t times;
    list_init(&open_ones);
    prctl(PR_SET_NAME, "hako-writer");
    while (!atomic_load(&engine->writer_ends)) {
        struct pollfd waiting = {.fd = engine->writer_fd, .events = POLLIN};
        (void)poll(&waiting, 1, list_empty(&open_ones) ? -1 : PAUSE_MS);
        (void)!read(engine->writer_fd, &times, sizeof times);
        work(engine, &open_ones);
    }
    work(engine, &open_ones);
    return NULL;
}
