#include "quality.h"

void quality_begin(struct quality *quality)
{
    quality->skip = QUALITY_WINDOW - 1;
    quality->before = false;
    quality->received = 0;
    quality->losses = 0;
}

static void lost(struct quality *quality)
{
    quality->lost++;
    quality->runs += !quality->before;
    quality->before = true;
    if (quality->received >= QUALITY_GMIN) {
        quality->c11 += quality->received;
        quality->c14 += quality->losses == 1;
        quality->c13 += quality->losses > 1;
        quality->losses = 1;
    } else if (quality->received == 0) {
        quality->losses++;
        quality->c33++;
    } else {
        quality->losses++;
        quality->c23++;
        quality->c22 += quality->received - 1;
    }
    quality->received = 0;
}

static void decide(struct quality *quality, bool came)
{
    if (quality->skip) {
        quality->skip--;
        return;
    }
    quality->decided++;
    if (came) {
        quality->before = false;
        quality->received++;
    } else {
        lost(quality);
    }
}

void quality_advance(struct quality *quality, uint64_t seen, unsigned ahead)
{
    for (unsigned i = 0; i < ahead; i++)
        decide(quality, i < QUALITY_WINDOW && (seen >> (QUALITY_WINDOW - 1 - i) & 1));
}

static uint8_t in_256(double share)
{
    double value = share * 256;
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)value;
}

static uint16_t in_16_bits(double value) { return value <= 0 ? 0 : value >= 65535 ? 65535 : (uint16_t)value; }

/* RFC 3611 A.2. What lies since the last loss counts as if the next one came now. */
void quality_metrics(const struct quality *quality, unsigned milliseconds, struct voip_metrics *metrics)
{
    bool over = quality->received >= QUALITY_GMIN;
    double c11 = quality->c11 + (over ? (double)quality->received : 0);
    double c13 = quality->c13 + (over && quality->losses > 1), c14 = quality->c14 + (over && quality->losses == 1);
    double c22 = quality->c22, c23 = quality->c23, c33 = quality->c33;
    double total = c11 + c14 + c13 + c22 + c23 + c13 + c23 + c33;
    double leaving = c13 + c23 + c33, p32 = leaving > 0 ? c23 / leaving : 0;
    double p23 = c22 + c23 < 1 ? 1 : 1 - c22 / (c22 + c23);
    metrics->gmin = QUALITY_GMIN;
    metrics->loss_rate = in_256(quality->decided ? (double)quality->lost / (double)quality->decided : 0);
    metrics->gap_density = in_256(c11 + c14 > 0 ? c14 / (c11 + c14) : 0);
    metrics->burst_density = c13 > 0 ? in_256(p23 / (p23 + p32)) : 0;
    double gap = c13 > 0 ? (c11 + c14 + c13) * milliseconds / c13 : (c11 + c14) * milliseconds;
    metrics->gap_duration = in_16_bits(gap);
    metrics->burst_duration = in_16_bits(c13 > 0 ? total * milliseconds / c13 - gap : 0);
}
