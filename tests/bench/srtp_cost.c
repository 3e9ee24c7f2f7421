/* What libsrtp2 itself takes for a packet of G.711, as the engine has it: many streams in turn, each with its own keys.
 *
 * usage: srtp_cost SUITE(1 AES_CM_128_HMAC_SHA1_80, 2 …_32, 3 AEAD_AES_128_GCM) STREAMS ROUNDS
 * Prints CPU microseconds of protecting and of unprotecting one packet as JSON. */
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "srtp_stream.h"

enum { PACKET = 172 };

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    if (argc != 4 || srtp_init() != srtp_err_status_ok)
        return fprintf(stderr, "usage: srtp_cost SUITE STREAMS ROUNDS\n"), 2;
    int suite = atoi(argv[1]), streams = atoi(argv[2]), rounds = atoi(argv[3]);
    srtp_t *out = calloc((size_t)streams, sizeof *out), *in = calloc((size_t)streams, sizeof *in);
    uint8_t(*packets)[PACKET + SRTP_MAX_TRAILER_LEN] = calloc((size_t)streams, sizeof *packets);
    double protecting = 0, unprotecting = 0;
    for (int i = 0; i < streams; i++) {
        uint8_t key[30];
        memset(key, i + 1, sizeof key);
        out[i] = new_session(suite, key, true);
        in[i] = new_session(suite, key, false);
    }
    for (int n = 0; n < rounds; n++) {
        int sizes[1024];
        double start = cpu_us();
        for (int i = 0; i < streams; i++) {
            uint8_t *packet = packets[i];
            memcpy(packet, (uint8_t[]){0x80, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0, 0x51, 0, 0, (uint8_t)i}, 12);
            sizes[i] = PACKET;
            if (srtp_protect(out[i], packet, &sizes[i]) != srtp_err_status_ok)
                return fprintf(stderr, "srtp_cost: not protected\n"), 1;
        }
        double middle = cpu_us();
        for (int i = 0; i < streams; i++)
            if (srtp_unprotect(in[i], packets[i], &sizes[i]) != srtp_err_status_ok)
                return fprintf(stderr, "srtp_cost: not opened\n"), 1;
        protecting += middle - start;
        unprotecting += cpu_us() - middle;
    }
    double all = (double)streams * rounds;
    printf("{\"protect_us\": %.3f, \"unprotect_us\": %.3f}\n", protecting / all, unprotecting / all);
    return 0;
}
