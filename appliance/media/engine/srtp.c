#include "srtp.h"

#include <errno.h>

#ifndef HAKO_WITHOUT_SRTP
#include <arpa/inet.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

/* Packets behind the newest that are told from repeated ones; nanoseconds between two searches for a roll-over counter;
 * counters tried for a stream joined late (10 hours of 10 ms packets) and for one that was lost for long. */
enum { WINDOW = 128, SEARCH_NS = 250000000, SEARCH_NEW = 64, SEARCH_LOST = 3, SHORTEST = 12, SHORTEST_REPORT = 8, LONGEST = 2048 };

struct crypto {
    srtp_t session;
    struct hk_keys keys;
    uint32_t ssrc; /* of what is sent */
    uint32_t sources[CRYPTO_SOURCES];
    unsigned heard; /* of `sources`, counted on and on */
    int64_t searched;
};

static srtp_err_status_t initialised = srtp_err_status_fail;

static void initialise(void) { initialised = srtp_init(); }

bool crypto_built(void) { return true; }

/* --- making --- */
static bool set_policy(srtp_policy_t *policy, struct hk_keys *keys)
{
    switch (keys->suite) {
    case HK_AES_CM_128_HMAC_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        break;
    case HK_AES_CM_128_HMAC_SHA1_32: /* RFC 4568 section 6.2.2: the tag of SRTCP has 80 bits all the same */
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
        break;
    case HK_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        break;
    default:
        return false;
    }
    if (keys->suite == HK_AEAD_AES_128_GCM)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
    else
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
    policy->key = keys->key;
    policy->window_size = WINDOW;
    return true;
}

struct crypto *crypto_new(const struct hk_keys *keys, uint32_t ssrc, int *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    srtp_policy_t policy = {0};
    pthread_once(&once, initialise);
    struct crypto *crypto = calloc(1, sizeof *crypto);
    if (!crypto) {
        *error = -ENOMEM;
        return NULL;
    }
    crypto->keys = *keys;
    crypto->ssrc = ssrc;
    policy.ssrc.type = ssrc ? ssrc_specific : ssrc_any_inbound;
    policy.ssrc.value = ssrc;
    if (initialised == srtp_err_status_ok && set_policy(&policy, &crypto->keys) &&
        srtp_create(&crypto->session, &policy) == srtp_err_status_ok)
        return crypto;
    *error = -EPROTONOSUPPORT;
    explicit_bzero(crypto, sizeof *crypto);
    free(crypto);
    return NULL;
}

void crypto_free(struct crypto *crypto)
{
    if (!crypto)
        return;
    srtp_dealloc(crypto->session);
    explicit_bzero(crypto, sizeof *crypto);
    free(crypto);
}

void crypto_continue(struct crypto *crypto, struct crypto *before)
{
    uint32_t counter = 0;
    if (srtp_get_stream_roc(before->session, before->ssrc, &counter) == srtp_err_status_ok && counter)
        (void)srtp_set_stream_roc(crypto->session, crypto->ssrc, counter);
}

/* --- sending --- */
size_t crypto_protect(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out)
{
    int length = (int)size;
    memcpy(out, packet, size);
    return srtp_protect(crypto->session, out, &length) == srtp_err_status_ok ? (size_t)length : 0;
}

size_t crypto_protect_report(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out)
{
    int length = (int)size;
    memcpy(out, packet, size);
    return srtp_protect_rtcp(crypto->session, out, &length) == srtp_err_status_ok ? (size_t)length : 0;
}

/* --- receiving --- */
static uint32_t number(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static bool known(const struct crypto *crypto, uint32_t ssrc)
{
    unsigned count = crypto->heard < CRYPTO_SOURCES ? crypto->heard : CRYPTO_SOURCES;
    for (unsigned i = 0; i < count; i++)
        if (crypto->sources[i] == ssrc)
            return true;
    return false;
}

/* Of all functions of libsrtp this one alone takes the SSRC as it stands in a packet. */
static void forget(struct crypto *crypto, uint32_t ssrc) { (void)srtp_remove_stream(crypto->session, htonl(ssrc)); }

/* libsrtp keeps a state for each SSRC that ever proved itself: a sender that changes it all the time must not fill the
 * memory. */
static void remember(struct crypto *crypto, uint32_t ssrc)
{
    if (known(crypto, ssrc))
        return;
    uint32_t *place = &crypto->sources[crypto->heard % CRYPTO_SOURCES];
    if (crypto->heard >= CRYPTO_SOURCES)
        forget(crypto, *place);
    *place = ssrc;
    crypto->heard++;
    if (crypto->heard == 2 * CRYPTO_SOURCES)
        crypto->heard = CRYPTO_SOURCES;
}

static enum crypto_verdict verdict_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return CRYPTO_GOOD;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return CRYPTO_REPEATED;
    default:
        return CRYPTO_FORGED;
    }
}

typedef srtp_err_status_t opener(srtp_t session, void *packet, int *size);

/* libsrtp leaves rubbish where GCM was tried with a wrong key or counter: what is not good is put back. */
static enum crypto_verdict open_packet(struct crypto *crypto, opener *unprotect, uint8_t *data, size_t *size)
{
    uint8_t copy[LONGEST];
    int length = (int)*size;
    memcpy(copy, data, *size);
    enum crypto_verdict verdict = verdict_of(unprotect(crypto->session, data, &length));
    if (verdict == CRYPTO_GOOD)
        *size = (size_t)length;
    else
        memcpy(data, copy, *size);
    return verdict;
}

static bool opened_with(struct crypto *crypto, uint32_t ssrc, uint32_t counter, uint8_t *data, size_t *size)
{
    return srtp_set_stream_roc(crypto->session, ssrc, counter) == srtp_err_status_ok &&
           open_packet(crypto, srtp_unprotect, data, size) == CRYPTO_GOOD;
}

/* Tries roll-over counters above the one that is believed: never below, where packets were received already. */
bool crypto_search(struct crypto *crypto, uint8_t *data, size_t *size, int64_t now)
{
    if (*size < SHORTEST || *size > LONGEST || (crypto->searched && now - crypto->searched < SEARCH_NS))
        return false;
    uint32_t ssrc = number(data + 8), from = 0;
    crypto->searched = now;
    bool lost = known(crypto, ssrc);
    if (lost) {
        if (srtp_get_stream_roc(crypto->session, ssrc, &from) != srtp_err_status_ok)
            return false;
    } else {
        srtp_policy_t policy = {.ssrc = {ssrc_specific, ssrc}};
        set_policy(&policy, &crypto->keys);
        if (srtp_add_stream(crypto->session, &policy) != srtp_err_status_ok)
            return false;
    }
    for (uint32_t i = 1; i <= (lost ? SEARCH_LOST : SEARCH_NEW); i++)
        if (opened_with(crypto, ssrc, from + i, data, size)) {
            remember(crypto, ssrc);
            return true;
        }
    if (lost)
        (void)srtp_set_stream_roc(crypto->session, ssrc, 0); /* none is pending: as before */
    else
        forget(crypto, ssrc);
    return false;
}

enum crypto_verdict crypto_unprotect(struct crypto *crypto, uint8_t *data, size_t *size)
{
    if (*size < SHORTEST || *size > LONGEST)
        return CRYPTO_FORGED;
    enum crypto_verdict verdict = open_packet(crypto, srtp_unprotect, data, size);
    if (verdict == CRYPTO_GOOD)
        remember(crypto, number(data + 8));
    return verdict;
}

enum crypto_verdict crypto_unprotect_report(struct crypto *crypto, uint8_t *data, size_t *size)
{
    if (*size < SHORTEST_REPORT || *size > LONGEST)
        return CRYPTO_FORGED;
    enum crypto_verdict verdict = open_packet(crypto, srtp_unprotect_rtcp, data, size);
    if (verdict == CRYPTO_GOOD)
        remember(crypto, number(data + 4));
    return verdict;
}

#else

bool crypto_built(void) { return false; }

struct crypto *crypto_new(const struct hk_keys *keys, uint32_t ssrc, int *error)
{
    (void)keys;
    (void)ssrc;
    *error = -EPROTONOSUPPORT;
    return NULL;
}

/* Nobody has a context to give to any of these. */
void crypto_free(struct crypto *crypto) { (void)crypto; }

void crypto_continue(struct crypto *crypto, struct crypto *before)
{
    (void)crypto;
    (void)before;
}

size_t crypto_protect(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out)
{
    (void)crypto;
    (void)packet;
    (void)size;
    (void)out;
    return 0;
}

size_t crypto_protect_report(struct crypto *crypto, const uint8_t *packet, size_t size, uint8_t *out)
{
    return crypto_protect(crypto, packet, size, out);
}

enum crypto_verdict crypto_unprotect(struct crypto *crypto, uint8_t *data, size_t *size)
{
    (void)crypto;
    (void)data;
    (void)size;
    return CRYPTO_FORGED;
}

enum crypto_verdict crypto_unprotect_report(struct crypto *crypto, uint8_t *data, size_t *size)
{
    return crypto_unprotect(crypto, data, size);
}

bool crypto_search(struct crypto *crypto, uint8_t *data, size_t *size, int64_t now)
{
    (void)crypto;
    (void)data;
    (void)size;
    (void)now;
    return false;
}
#endif
