/* The barest relay of RTP: what comes from one end of a call goes to the other, unread. A fixed load, the least that any
 * relay in user space has to do; figures of other machines are to be read beside this one.
 *
 * usage: bare_relay ADDRESS FIRST_PORT PHONES_PORT CALLS
 * Call n has the ports FIRST_PORT + 4n and + 2, for the phones at PHONES_PORT + 4n and + 2. Runs until it is ended. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int open_end(struct in_addr address, unsigned own, unsigned phone)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = address, .sin_port = htons((uint16_t)own)};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr = address, .sin_port = htons((uint16_t)phone)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
        connect(fd, (struct sockaddr *)&there, sizeof there) < 0) {
        perror("bare_relay");
        exit(2);
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct in_addr address;
    if (argc != 5 || inet_pton(AF_INET, argv[1], &address) != 1)
        return fprintf(stderr, "usage: bare_relay ADDRESS FIRST_PORT PHONES_PORT CALLS\n"), 2;
    unsigned first = (unsigned)atoi(argv[2]), phones = (unsigned)atoi(argv[3]), ends = 2 * (unsigned)atoi(argv[4]);
    struct rlimit files = {2 * ends + 64, 2 * ends + 64};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    int *fds = calloc(ends + 1, sizeof *fds), poll = epoll_create1(0);
    for (unsigned i = 0; i < ends; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        fds[i] = open_end(address, first + 2 * i, phones + 2 * i);
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
    }
    for (;;) {
        struct epoll_event ready[64];
        int n = epoll_wait(poll, ready, 64, -1);
        for (int i = 0; i < n; i++) {
            char packet[2048];
            ssize_t size = recv(fds[ready[i].data.u32], packet, sizeof packet, 0);
            if (size > 0)
                (void)send(fds[ready[i].data.u32 ^ 1], packet, (size_t)size, MSG_DONTWAIT);
        }
    }
}
