/* RTCP compounds: parsed or refused; what we write is always understood. */
#include <stdlib.h>
#include <string.h>

#include "rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtcp_report report;
    struct rtcp_own own;
    struct voip_metrics metrics;
    uint8_t written[RTCP_LARGEST];
    uint32_t ours = 0x01020304;
    if (size >= 4)
        memcpy(&ours, data, 4);
    (void)rtcp_parse(data, size, ours, &report);
    memset(&own, 0, sizeof own);
    own.ssrc = ours;
    if (size >= 32) {
        own.sender = data[0] & 1;
        own.heard = data[1] & 1;
        own.bye = data[2] & 1;
        memcpy(&own.ntp_seconds, data + 4, 4);
        memcpy(&own.lost, data + 8, 4);
        memcpy(&own.source, data + 12, 4);
        memcpy(&metrics, data, sizeof metrics < size ? sizeof metrics : size);
        own.metrics = data[3] & 1 && size >= sizeof metrics ? &metrics : NULL;
    }
    size_t length = rtcp_write(written, &own);
    if (length > RTCP_LARGEST || !rtcp_parse(written, length, own.source, &report) || report.bye != own.bye ||
        report.about_us != own.heard || report.ssrc != own.ssrc)
        abort();
    if (report.metrics_about_us != (own.metrics != NULL) ||
        (own.metrics && (report.metrics.loss_rate != metrics.loss_rate || report.metrics.round_trip != metrics.round_trip ||
                         report.metrics.buffer_absolute != metrics.buffer_absolute)))
        abort();
    return 0;
}
