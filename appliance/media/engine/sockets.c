/* RTP and RTCP sockets: opened by the command side. */
#include <errno.h>
#include <netinet/ip.h>
#include <unistd.h>

#include "internal.h"

enum { EXPEDITED_FORWARDING = 46 << 2 }; /* RFC 4594: the DSCP of telephony */

static int open_one(const union address *local)
{
    int fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int class = EXPEDITED_FORWARDING;
    /* Refused in some containers; the call works without it. */
    if (local->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof class);
    else
        (void)setsockopt(fd, IPPROTO_IP, IP_TOS, &class, sizeof class);
    if (bind(fd, &local->any, address_size(local)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int open_pair(const union address *local, int *rtp, int *rtcp)
{
    union address next = *local;
    address_set_port(&next, (uint16_t)(address_port(local) + 1));
    int first = open_one(local);
    if (first < 0)
        return first;
    int second = open_one(&next);
    if (second < 0) {
        close(first);
        return second;
    }
    *rtp = first;
    *rtcp = second;
    return 0;
}
