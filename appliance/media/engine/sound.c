/* Sound files, read whole by the command side and shared by all players of the same file.
 *
 * They are copied, not mapped: a file that somebody shortens under a mapping would end the process with SIGBUS. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core.h"
#include "list.h"
#include "player.h"
#include "units.h"
#include "wav.h"

enum { LARGEST = 64 << 20 };

static uint8_t *read_whole(int fd, size_t size)
{
    uint8_t *data = malloc(size ? size : 1);
    size_t have = 0;
    while (data && have < size) {
        ssize_t got = read(fd, data + have, size - have);
        if (got <= 0) {
            free(data);
            return NULL;
        }
        have += (size_t)got;
    }
    return data;
}

static struct sound *load(int fd, const struct stat *status)
{
    struct wav_audio audio;
    uint8_t *data = read_whole(fd, (size_t)status->st_size);
    struct sound *sound = NULL;
    if (data && wav_parse(data, (size_t)status->st_size, &audio) && audio.samples > 0)
        sound = malloc(sizeof *sound + audio.samples * sizeof(int16_t));
    if (sound) {
        memset(sound, 0, sizeof *sound);
        sound->samples = audio.samples;
        for (size_t i = 0; i < audio.samples; i++) {
            const uint8_t *at = data + audio.start + 2 * i;
            sound->audio[i] = (int16_t)(at[0] | at[1] << 8);
        }
    }
    free(data);
    return sound;
}

static bool is_of(const struct sound *sound, const struct stat *status)
{
    return sound->device == status->st_dev && sound->inode == status->st_ino &&
           sound->size == (uint64_t)status->st_size &&
           sound->changed == status->st_mtim.tv_sec * NS_PER_SECOND + status->st_mtim.tv_nsec;
}

struct sound *sound_get(hk_engine *engine, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    struct sound *sound = NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= LARGEST) {
        for (sound = engine->sounds; sound && !is_of(sound, &status);)
            sound = sound->next;
        if (!sound && (sound = load(fd, &status))) {
            sound->device = status.st_dev;
            sound->inode = status.st_ino;
            sound->size = (uint64_t)status.st_size;
            sound->changed = status.st_mtim.tv_sec * NS_PER_SECOND + status.st_mtim.tv_nsec;
            sound->next = engine->sounds;
            engine->sounds = sound;
        }
    }
    close(fd);
    if (sound)
        sound->users++;
    return sound;
}

void sound_release(hk_engine *engine, struct sound *sound)
{
    if (--sound->users > 0)
        return;
    struct sound **at = &engine->sounds;
    while (*at != sound)
        at = &(*at)->next;
    *at = sound->next;
    free(sound);
}
