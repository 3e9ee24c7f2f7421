/* What libsrtp2 itself takes for a packet of G.711, as the engine has it: many streams in turn, each with its own keys, and
 * between two packets the kernel at work, which leaves little of libsrtp in the processor's caches. Each packet goes
 * through a socket once; that by itself is measured and taken off.
 *
 * usage: srtp_cost SUITE(1 AES_CM_128_HMAC_SHA1_80, 2 …_32, 3 AEAD_AES_128_GCM) STREAMS ROUNDS
 * Prints CPU microseconds of protecting and of unprotecting one packet as JSON. */
#include <arpa/inet.h>
#include <srtp2/srtp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "srtp_stream.h"

enum { PACKET = 172, MOST = 1024 };

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A socket that hears itself. */
static int loop_socket(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) || getsockname(fd, (struct sockaddr *)&here, &size) ||
        connect(fd, (struct sockaddr *)&here, sizeof here))
        exit((perror("srtp_cost"), 1));
    return fd;
}

static void pass(int fd, uint8_t *packet, int size)
{
    if (send(fd, packet, (size_t)size, 0) != size || recv(fd, packet, (size_t)size, 0) != size)
        exit((perror("srtp_cost"), 1));
}

int main(int argc, char **argv)
{
    int suite = argc == 4 ? atoi(argv[1]) : 0, streams = argc == 4 ? atoi(argv[2]) : 0;
    if (streams < 1 || streams > MOST || srtp_init() != srtp_err_status_ok)
        return fprintf(stderr, "usage: srtp_cost SUITE STREAMS ROUNDS\n"), 2;
    int rounds = atoi(argv[3]), sizes[MOST], sockets[MOST];
    srtp_t out[MOST], in[MOST];
    uint8_t(*packets)[PACKET + SRTP_MAX_TRAILER_LEN] = calloc((size_t)streams, sizeof *packets);
    double passing = 0, protecting = 0, unprotecting = 0;
    for (int i = 0; i < streams; i++) {
        uint8_t key[30];
        memset(key, i + 1, sizeof key);
        out[i] = new_session(suite, key, true);
        in[i] = new_session(suite, key, false);
        sockets[i] = loop_socket();
    }
    for (int n = 0; n < rounds; n++) {
        double begin = cpu_us();
        for (int i = 0; i < streams; i++)
            pass(sockets[i], packets[i], PACKET);
        double passed = cpu_us();
        for (int i = 0; i < streams; i++) {
            uint8_t *packet = packets[i];
            memcpy(packet, (uint8_t[]){0x80, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0, 0x51, 0, 0, (uint8_t)i}, 12);
            sizes[i] = PACKET;
            if (srtp_protect(out[i], packet, &sizes[i]) != srtp_err_status_ok)
                return fprintf(stderr, "srtp_cost: not protected\n"), 1;
            pass(sockets[i], packet, sizes[i]);
        }
        double protected = cpu_us();
        for (int i = 0; i < streams; i++) {
            pass(sockets[i], packets[i], sizes[i]);
            if (srtp_unprotect(in[i], packets[i], &sizes[i]) != srtp_err_status_ok)
                return fprintf(stderr, "srtp_cost: not opened\n"), 1;
        }
        passing += passed - begin;
        protecting += protected - passed;
        unprotecting += cpu_us() - protected;
    }
    double all = (double)streams * rounds;
    printf("{\"protect_us\": %.3f, \"unprotect_us\": %.3f}\n", (protecting - passing) / all,
           (unprotecting - passing) / all);
    for (int i = 0; i < streams; i++)
        close(sockets[i]);
    free(packets);
    return 0;
}
