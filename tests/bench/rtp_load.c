/* An RTP load on loopback: pairs of telephones that send G.711 every 20 ms and time what comes out at the other end.
 *
 * usage: rtp_load SECONDS [LOCAL_ADDRESS] < STREAMS
 * One line a stream, `LOCAL_PORT REMOTE_HOST REMOTE_PORT [PAYLOAD_TYPE [SUITE SEND_KEY RECEIVE_KEY]]`, where the last three are
 * for SRTP: the suite as in engine.h, both keys with their salts in hexadecimal. Lines 1 and 2 are the two ends of a call, 3 and 4 the next.
 * The streams are spread evenly over the 20 ms, as those of independent phones are. The first second is not counted.
 * Delay is from just before sendto() to the kernel's receive time stamp, so that it holds nothing of this program's own.
 * Prints one line of JSON. The payload carries the time: where it is changed on the way (another codec, a mix) packets
 * are counted as foreign and have no delay. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#ifndef WITHOUT_SRTP
#include "srtp_stream.h"
#endif

enum { FRAME = 160, HEADER = 12, BINS = 200000, BATCH = 8, PERIOD = 20000000, SETTLE = 50 };

struct stream {
    int fd;
    struct sockaddr_in to;
    uint64_t due;
    uint32_t number;
    uint8_t type;
    void *protect, *unprotect; /* srtp_t; NULL: plain RTP */
};

struct mark { /* in the payload */
    uint64_t sent;
    uint32_t stream;
    uint32_t number;
};

static struct stream *streams;
static int count;
static uint64_t delays[BINS], sent, received, foreign;
static bool counting;
static struct in_addr own_address; /* of every telephone */

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#ifndef WITHOUT_SRTP
static srtp_t session_of(int suite, const char *hex, bool outbound)
{
    uint8_t key[32] = {0};
    for (size_t i = 0; i < sizeof key && hex[2 * i]; i++) {
        unsigned byte = 0;
        (void)sscanf(hex + 2 * i, "%2x", &byte);
        key[i] = (uint8_t)byte;
    }
    return new_session(suite, key, outbound);
}

static size_t change(void *session, uint8_t *packet, size_t size, bool out)
{
    int length = (int)size;
    if (!session)
        return size;
    srtp_err_status_t status = out ? srtp_protect(session, packet, &length) : srtp_unprotect(session, packet, &length);
    return status == srtp_err_status_ok ? (size_t)length : 0;
}
#else
static size_t change(void *session, uint8_t *packet, size_t size, bool out)
{
    (void)session, (void)packet, (void)out;
    return size;
}
#endif

static void open_stream(struct stream *stream, const char *line)
{
    char host[64], send_key[72], receive_key[72];
    unsigned local, remote, type = 0;
    int suite, words = sscanf(line, "%u %63s %u %u %d %71s %71s", &local, host, &remote, &type, &suite, send_key, receive_key);
    if (words < 3) {
        fprintf(stderr, "rtp_load: not understood: %s", line);
        exit(2);
    }
    stream->type = (uint8_t)type;
#ifndef WITHOUT_SRTP
    if (words == 7) {
        stream->protect = session_of(suite, send_key, true);
        stream->unprotect = session_of(suite, receive_key, false);
    }
#endif
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)local)};
    int on = 1, room = 1 << 20;
    own.sin_addr = own_address;
    stream->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)remote)};
    stream->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (stream->fd < 0 || inet_pton(AF_INET, host, &stream->to.sin_addr) != 1 ||
        bind(stream->fd, (struct sockaddr *)&own, sizeof own) < 0 ||
        connect(stream->fd, (struct sockaddr *)&stream->to, sizeof stream->to) < 0 ||
        setsockopt(stream->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) {
        fprintf(stderr, "rtp_load: port %u: %s\n", local, strerror(errno));
        exit(2);
    }
    (void)setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

static void send_one(int index)
{
    struct stream *stream = &streams[index];
    uint8_t packet[HEADER + FRAME + 160];
    uint32_t timestamp = htonl(stream->number * FRAME), ssrc = htonl(0x51000000u + (uint32_t)index);
    uint16_t sequence = htons((uint16_t)stream->number);
    memset(packet, 0xd5, HEADER + FRAME);
    packet[0] = 0x80;
    packet[1] = stream->type;
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &ssrc, 4);
    struct mark mark = {now_ns(CLOCK_REALTIME), (uint32_t)index, counting ? stream->number : 0};
    memcpy(packet + HEADER, &mark, sizeof mark);
    size_t size = change(stream->protect, packet, HEADER + FRAME, true);
    if (send(stream->fd, packet, size, MSG_DONTWAIT) < 0)
        return;
    sent += counting;
    stream->number++;
}

static uint64_t stamp_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
        }
    return now_ns(CLOCK_REALTIME);
}

static void take(int index, uint8_t *packet, size_t size, uint64_t at)
{
    struct mark mark;
    size = change(streams[index].unprotect, packet, size, false);
    if (size != HEADER + FRAME)
        return;
    memcpy(&mark, packet + HEADER, sizeof mark);
    if (mark.stream != (uint32_t)(index ^ 1)) {
        foreign += counting;
        return;
    }
    if (mark.number == 0)
        return;
    received++;
    uint64_t delay = at > mark.sent ? (at - mark.sent) / 1000 : 0;
    delays[delay < BINS ? delay : BINS - 1]++;
}

static void receive(int index)
{
    uint8_t data[BATCH][2048], control[BATCH][64];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]};
    }
    int n = recvmmsg(streams[index].fd, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++)
        take(index, data[i], messages[i].msg_len, stamp_of(&messages[i].msg_hdr));
}

static uint64_t percentile(double part)
{
    uint64_t seen = 0;
    for (uint64_t i = 0; i < BINS; i++)
        if ((seen += delays[i]) > (uint64_t)((double)received * part))
            return i;
    return 0;
}

static void drain(int poll, int milliseconds)
{
    struct epoll_event ready[256];
    int n = epoll_wait(poll, ready, 256, milliseconds);
    for (int i = 0; i < n; i++)
        receive((int)ready[i].data.u32);
}

static void sleep_until(uint64_t due)
{
    struct timespec t = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    char line[256];
    if (inet_pton(AF_INET, argc > 2 ? argv[2] : "127.0.0.1", &own_address) != 1)
        return fprintf(stderr, "rtp_load: no address: %s\n", argv[2]), 2;
    int poll = epoll_create1(0);
#ifndef WITHOUT_SRTP
    if (srtp_init() != srtp_err_status_ok)
        return fprintf(stderr, "rtp_load: libsrtp2 does not start\n"), 2;
#endif
    while (fgets(line, sizeof line, stdin)) {
        streams = realloc(streams, sizeof *streams * (size_t)(count + 1));
        memset(&streams[count], 0, sizeof *streams);
        open_stream(&streams[count], line);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)count};
        epoll_ctl(poll, EPOLL_CTL_ADD, streams[count].fd, &event);
        count++;
    }
    if (count == 0 || count % 2)
        return fprintf(stderr, "rtp_load: an even number of streams is needed\n"), 2;
    prctl(PR_SET_TIMERSLACK, 1000);
    uint64_t step = PERIOD / (uint64_t)count, start = now_ns(CLOCK_MONOTONIC) + 1000000, due = start, drained = start;
    uint64_t packets = (uint64_t)((seconds * 1e9 / PERIOD) + SETTLE) * (uint64_t)count;
    for (uint64_t n = 0; n < packets; n++, due += step) {
        if (n == (uint64_t)SETTLE * (uint64_t)count)
            counting = true;
        uint64_t now = now_ns(CLOCK_MONOTONIC);
        if (now < due)
            sleep_until(due);
        /* The two ends of a call half a period apart: neighbours in the list never meet in time. */
        uint64_t half = (uint64_t)count / 2, k = n % (uint64_t)count;
        send_one((int)(k < half ? 2 * k : 2 * (k - half) + 1));
        if (due > drained + 2000000) {
            drain(poll, 0);
            drained = due;
        }
    }
    for (int i = 0; i < 30; i++)
        drain(poll, 10);
    printf("{\"streams\": %d, \"sent\": %llu, \"received\": %llu, \"lost\": %lld, \"foreign\": %llu, \"p50_us\": %llu, "
           "\"p99_us\": %llu, \"p999_us\": %llu, \"max_us\": %llu}\n",
           count, (unsigned long long)sent, (unsigned long long)received, (long long)(sent - received - foreign),
           (unsigned long long)foreign, (unsigned long long)percentile(0.5), (unsigned long long)percentile(0.99),
           (unsigned long long)percentile(0.999), (unsigned long long)percentile(1.0 - 1e-12));
    return 0;
}
