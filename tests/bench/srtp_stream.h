/* A session of libsrtp2 for one direction of one stream, as load generator and cost measurement need it. */
#ifndef HAKO_BENCH_SRTP_H
#define HAKO_BENCH_SRTP_H

#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* `suite` as in engine.h; `key` is master key and salt. Ends the program when there is none. */
static inline srtp_t new_session(int suite, uint8_t *key, bool outbound)
{
    srtp_policy_t policy = {.key = key, .window_size = 128};
    srtp_t session;
    if (suite == 3)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    else if (suite == 2)
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
    else
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    policy.rtcp = policy.rtp;
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    if (srtp_create(&session, &policy) != srtp_err_status_ok) {
        fprintf(stderr, "libsrtp2 makes no session of suite %d\n", suite);
        exit(2);
    }
    return session;
}

#endif
