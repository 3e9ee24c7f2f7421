#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "address.h"

int address_parse(union address *address, const char *host, uint16_t port)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1)
        address->any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1)
        address->any.sa_family = AF_INET6;
    else
        return -EINVAL;
    address_set_port(address, port);
    return 0;
}

socklen_t address_size(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

bool address_known(const union address *address) { return address->any.sa_family != AF_UNSPEC; }

bool address_same_host(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (a->any.sa_family == AF_INET6)
        return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/* The port is at the same place in both families. */
bool address_same(const union address *a, const union address *b)
{
    return a->v4.sin_port == b->v4.sin_port && address_same_host(a, b);
}

uint16_t address_port(const union address *address) { return ntohs(address->v4.sin_port); }

void address_set_port(union address *address, uint16_t port) { address->v4.sin_port = htons(port); }

void address_text(const union address *address, char *host, size_t size)
{
    const void *bytes = address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr
                                                           : (const void *)&address->v4.sin_addr;
    if (!address_known(address) || !inet_ntop(address->any.sa_family, bytes, host, (socklen_t)size))
        host[0] = '\0';
}
