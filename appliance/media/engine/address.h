/* Addresses of both families. */
#ifndef HAKO_ADDRESS_H
#define HAKO_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* 0 or -EINVAL: not a numeric address. */
int address_parse(union address *address, const char *host, uint16_t port);
socklen_t address_size(const union address *address);
bool address_known(const union address *address);
bool address_same(const union address *a, const union address *b);
bool address_same_host(const union address *a, const union address *b);
uint16_t address_port(const union address *address);
void address_set_port(union address *address, uint16_t port);
void address_text(const union address *address, char *host, size_t size);

#endif
