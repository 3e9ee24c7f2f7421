/* A port's keys: what it sends is protected, what it receives must prove itself, before anything else looks at it. */
#include "address.h"
#include "command.h"
#include "core.h"
#include "port.h"
#include "receive.h"
#include "report.h"
#include "srtp.h"
#include "units.h"

/* How long packets made with the keys of before are still taken: what was on its way when the keys changed. */
#define GRACE_NS (3 * NS_PER_SECOND)

void port_take_keys(hk_engine *engine, struct port *port, struct command *command)
{
    if (command->changes_protect) {
        struct crypto *before = port->protect;
        port->protect = command->protect;
        if (before && port->protect)
            crypto_continue(port->protect, before);
        command->protect = before;
    }
    if (command->changes_unprotect) {
        struct crypto *oldest = port->before;
        port->before = port->unprotect;
        port->before_until = engine->now + GRACE_NS;
        port->unprotect = command->unprotect;
        command->unprotect = oldest;
    }
}

/* Whether it can come from the party at all: strangers are not worth the arithmetic. */
static bool excluded(const struct source_rule *rule, const union address *from)
{
    return rule->locked && !address_same(&rule->locked_to, from);
}

/* The keys of before come first: those of now would use up their search on what was made with the others, and be
 * without it when the first packet of theirs needs it. A repeated packet needs none. */
static enum crypto_verdict unprotect(hk_engine *engine, struct port *port, uint8_t *data, size_t *size, bool report)
{
    struct crypto *contexts[] = {engine->now < port->before_until ? port->before : NULL, port->unprotect};
    enum crypto_verdict verdict = CRYPTO_FORGED;
    for (int i = 0; i < 2 && verdict != CRYPTO_GOOD; i++) {
        if (!contexts[i])
            continue;
        enum crypto_verdict found = report ? crypto_unprotect_report(contexts[i], data, size)
                                           : crypto_unprotect(contexts[i], data, size);
        verdict = found == CRYPTO_FORGED ? verdict : found;
    }
    for (int i = 1; i >= 0 && verdict == CRYPTO_FORGED && !report; i--)
        if (contexts[i] && crypto_search(contexts[i], data, size, engine->now))
            verdict = CRYPTO_GOOD;
    /* From now on in the clear; until just before it was not. */
    return verdict == CRYPTO_FORGED && !port->unprotect ? CRYPTO_GOOD : verdict;
}

bool port_unprotect(hk_engine *engine, struct port *port, uint8_t *data, size_t *size, const union address *from)
{
    if (excluded(&port->rule, from)) {
        port->in.strangers++;
        watch_stranger(port, from);
        return false;
    }
    enum crypto_verdict verdict = unprotect(engine, port, data, size, false);
    port->in.unauthentic += verdict == CRYPTO_FORGED;
    port->in.repeated += verdict == CRYPTO_REPEATED;
    return verdict == CRYPTO_GOOD;
}

bool port_unprotect_report(hk_engine *engine, struct port *port, uint8_t *data, size_t *size)
{
    enum crypto_verdict verdict = unprotect(engine, port, data, size, true);
    port->in.unauthentic += verdict == CRYPTO_FORGED;
    port->in.repeated += verdict == CRYPTO_REPEATED;
    return verdict == CRYPTO_GOOD;
}
