/* Keys as tones in the audio (ITU-T Q.23), found by spandsp. The library is loaded when the first such detector is asked
 * for: most boxes never need it, and it brings a dozen others along. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "detect.h"

typedef struct dtmf_rx_state_s dtmf_rx_state;

/* As spandsp 0.0.6 declares them (spandsp/dtmf.h, spandsp/tone_detect.h). */
static struct {
    dtmf_rx_state *(*init)(dtmf_rx_state *state, void (*digits)(void *, const char *, int), void *user);
    void (*realtime)(dtmf_rx_state *state, void (*report)(void *, int, int, int), void *user);
    int (*rx)(dtmf_rx_state *state, const int16_t *samples, int n);
    int (*free)(dtmf_rx_state *state);
} library;

static bool loaded;

static void load(void)
{
    void *handle = dlopen("libspandsp.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return;
    /* ISO C has no conversion between object and function pointers; POSIX asks for this form. */
    *(void **)&library.init = dlsym(handle, "dtmf_rx_init");
    *(void **)&library.realtime = dlsym(handle, "dtmf_rx_set_realtime_callback");
    *(void **)&library.rx = dlsym(handle, "dtmf_rx");
    *(void **)&library.free = dlsym(handle, "dtmf_rx_free");
    loaded = library.init && library.realtime && library.rx && library.free;
}

bool keys_possible(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded;
}

struct keys {
    dtmf_rx_state *state;
    char now, missed;
};

static void report(void *user, int code, int level, int delay)
{
    struct keys *keys = user;
    (void)level;
    (void)delay;
    if (keys->now && code != keys->now)
        keys->missed = keys->now;
    keys->now = (char)code;
}

struct keys *keys_new(void)
{
    struct keys *keys = keys_possible() ? calloc(1, sizeof *keys) : NULL;
    if (keys && !(keys->state = library.init(NULL, NULL, NULL))) {
        free(keys);
        return NULL;
    }
    if (keys)
        library.realtime(keys->state, report, keys);
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys)
        library.free(keys->state);
    free(keys);
}

char keys_feed(struct keys *keys, const int16_t *samples, int n, char *missed)
{
    char before = keys->now;
    keys->missed = 0;
    (void)library.rx(keys->state, samples, n);
    *missed = keys->missed == before ? 0 : keys->missed;
    return keys->now;
}
