/* What comes in on a port: from the sockets, through its keys, to whoever hears it. */
#ifndef HAKO_RECEIVE_H
#define HAKO_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "port.h"

struct command;

/* --- receive.c --- */
void port_read(hk_engine *engine, struct endpoint *endpoint);
void handle_datagrams(hk_engine *engine);
void port_reconfigure(hk_engine *engine, struct port *port, const struct port_config *config);
void port_receive(hk_engine *engine, struct port *port, uint8_t *data, size_t size, const union address *from);
uint64_t port_lost(const struct reception *in);
uint64_t port_expected(const struct reception *in);

/* --- secure.c --- */
/* Other keys from now on; what they replace goes back with the command. */
void port_take_keys(hk_engine *engine, struct port *port, struct command *command);
/* Only for ports that have keys, or had some: opens what came, in its place. False: it was none of the party's. */
static inline bool port_is_secure(const struct port *port) { return port->unprotect || port->before; }

bool port_unprotect(hk_engine *engine, struct port *port, uint8_t *data, size_t *size, const union address *from);
bool port_unprotect_report(hk_engine *engine, struct port *port, uint8_t *data, size_t *size);

#endif
