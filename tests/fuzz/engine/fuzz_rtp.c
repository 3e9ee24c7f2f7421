/* RTP headers: what is accepted lies inside the datagram. */
#include <stdlib.h>

#include "rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_packet packet;
    (void)rtp_is_rtcp(data, size);
    if (rtp_parse(data, size, &packet) &&
        (packet.start < RTP_HEADER || packet.start > size || packet.length > size - packet.start || packet.type > 127))
        abort();
    return 0;
}
