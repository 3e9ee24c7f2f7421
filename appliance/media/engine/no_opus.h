/* Stands in for libopus where it was not there at build: every packet is malformed, nothing can be encoded. The exchange
 * is told by hk_abilities() and offers no Opus. */
#ifndef HAKO_NO_OPUS_H
#define HAKO_NO_OPUS_H

#include <stdint.h>

typedef struct OpusDecoder OpusDecoder;
typedef struct OpusEncoder OpusEncoder;
typedef int32_t opus_int32;

enum { OPUS_OK = 0, OPUS_UNIMPLEMENTED = -5, OPUS_APPLICATION_VOIP = 2048, OPUS_SIGNAL_VOICE = 3001 };

#define OPUS_SET_COMPLEXITY(value) (value)
#define OPUS_SET_SIGNAL(value) (value)
#define OPUS_SET_BITRATE(value) (value)
#define OPUS_SET_INBAND_FEC(value) (value)
#define OPUS_SET_PACKET_LOSS_PERC(value) (value)

#define opus_decoder_get_size(channels) 0
#define opus_encoder_get_size(channels) 0
#define opus_packet_get_nb_samples(payload, size, rate) ((void)(payload), (void)(size), OPUS_UNIMPLEMENTED)
#define opus_decoder_init(decoder, rate, channels) ((void)(decoder), OPUS_UNIMPLEMENTED)
#define opus_encoder_init(encoder, rate, channels, application) ((void)(encoder), OPUS_UNIMPLEMENTED)
#define opus_decode(decoder, payload, size, out, samples, fec) \
    ((void)(decoder), (void)(payload), (void)(size), (void)(out), OPUS_UNIMPLEMENTED)
#define opus_encode(encoder, in, samples, out, room) ((void)(encoder), (void)(in), (void)(out), OPUS_UNIMPLEMENTED)
#define opus_encoder_ctl(encoder, request) ((void)(encoder), (void)(request))

#endif
