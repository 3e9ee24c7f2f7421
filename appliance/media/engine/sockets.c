/* RTP and RTCP sockets: opened by the command side. */
#include <errno.h>
#include <netinet/ip.h>
#include <unistd.h>

#include "address.h"
#include "command.h"

/* Refused in some containers; the call works without it. */
static void set_class(int fd, const union address *local, uint8_t dscp)
{
    int class = dscp << 2;
    if (local->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class);
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof class);
}

static int open_one(const union address *local, uint8_t dscp)
{
    int fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_class(fd, local, dscp);
    if (bind(fd, &local->any, address_size(local)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* Two sockets may share an address only while both allow it; others never may. */
static int open_twin(const union address *local, uint8_t dscp, int first)
{
    int on = 1, off = 0, fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_class(fd, local, dscp);
    if (setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, &local->any, address_size(local)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    (void)setsockopt(first, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
    return fd;
}

int open_sockets(const union address *local, uint8_t dscp, struct sockets *sockets)
{
    union address next = *local;
    address_set_port(&next, (uint16_t)(address_port(local) + 1));
    *sockets = (struct sockets){-1, -1, -1};
    int error = 0;
    if ((sockets->rtp = open_one(local, dscp)) < 0)
        error = sockets->rtp;
    else if ((sockets->rtcp = open_one(&next, dscp)) < 0)
        error = sockets->rtcp;
    else if ((sockets->twin = open_twin(local, dscp, sockets->rtp)) < 0)
        error = sockets->twin;
    if (error)
        close_sockets(sockets);
    return error;
}

void close_sockets(const struct sockets *sockets)
{
    if (sockets->rtp >= 0)
        close(sockets->rtp);
    if (sockets->twin >= 0)
        close(sockets->twin);
    if (sockets->rtcp >= 0)
        close(sockets->rtcp);
}
