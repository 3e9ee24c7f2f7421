/* SRTP and SRTCP (RFC 3711, RFC 7714) of one direction of a stream, through libsrtp2. Contexts are made and freed by the
 * command side, used by the engine thread. Nothing here writes a key anywhere.
 *
 * This file's code allocates nothing for a packet; libsrtp does for the first packet of an SSRC that was not heard
 * before, and its NSS flavour (Debian's) inside AES-CM. */
#ifndef HAKO_SRTP_H
#define HAKO_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

enum {
    CRYPTO_TRAILER = 160, /* bytes that protecting may add; libsrtp asks for room for its longest */
    CRYPTO_SOURCES = 8    /* SSRCs of one sender that are remembered; the oldest goes */
};

enum crypto_verdict {
    CRYPTO_GOOD,
    CRYPTO_REPEATED, /* was received before, or is older than the replay window */
    CRYPTO_FORGED    /* not made with this key */
};

struct crypto;

/* Whether this build can. */
bool crypto_built(void);

/* A context for what is received (`ssrc` 0) or for what is sent with this SSRC. NULL and a negative errno in `error`. */
struct crypto *crypto_new(const struct hk_keys *keys, uint32_t ssrc, int *error);
void crypto_free(struct crypto *crypto);

/* What is sent goes on from where `before` is (RFC 3711 section 3.3.1: a new key does not begin the roll-over counter
 * anew). */
void crypto_continue(struct crypto *crypto, struct crypto *before);

/* Writes the packet protected to `out`, which has room for CRYPTO_TRAILER bytes more. Gives its size; 0: libsrtp refuses,
 * since the sequence number was used before or the key has served its time. */
size_t crypto_protect(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out);
size_t crypto_protect_report(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out);

/* Opens a packet in its place and sets its new size. Only what is good was changed. */
enum crypto_verdict crypto_unprotect(struct crypto *crypto, uint8_t *data, size_t *size);
enum crypto_verdict crypto_unprotect_report(struct crypto *crypto, uint8_t *data, size_t *size);

/* The same for a packet that seemed forged, with other roll-over counters; `now` in ns. That of a stream that is joined
 * late (after a restart of this process, after an outage of hours, with new keys) is not said by anybody: it is found by
 * trying, a few times a second at most, and only forwards. */
bool crypto_search(struct crypto *crypto, uint8_t *data, size_t *size, int64_t now);

#endif
