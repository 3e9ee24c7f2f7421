/* WAV files: the samples found lie inside the file; the header of a recording is always a WAV. */
#include <stdlib.h>
#include <string.h>

#include "wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wav_audio audio;
    uint8_t header[WAV_HEADER];
    struct wav_moment moment = {(int64_t)size - 7, INT64_MAX - (int64_t)size, size % 2}, read;
    char comment[64] = "";
    if (wav_parse(data, size, &audio) && (audio.start > size || audio.samples > (size - audio.start) / 2))
        abort();
    memcpy(comment, data, size < sizeof comment - 1 ? size : sizeof comment - 1);
    wav_header(header, comment, 16000, (uint32_t)size, &moment);
    if (!wav_is_ours(header, comment, 16000, &read) || wav_is_ours(header, comment, 8000, &read))
        abort();
    if (read.frames != moment.frames || read.at != moment.at || read.passing != moment.passing)
        abort();
    if (size >= WAV_HEADER)
        (void)wav_is_ours(data, comment, 8000, &read);
    return 0;
}
