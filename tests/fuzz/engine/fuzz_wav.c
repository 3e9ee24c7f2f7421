/* WAV files: the samples found lie inside the file; the header of a recording is always a WAV. */
#include <stdlib.h>
#include <string.h>

#include "wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wav_audio audio;
    uint8_t header[WAV_HEADER];
    char comment[64] = "";
    if (wav_parse(data, size, &audio) && (audio.start > size || audio.samples > (size - audio.start) / 2))
        abort();
    memcpy(comment, data, size < sizeof comment - 1 ? size : sizeof comment - 1);
    wav_header(header, comment, 16000, (uint32_t)size);
    if (!wav_is_ours(header, comment, 16000) || wav_is_ours(header, comment, 8000))
        abort();
    if (size >= WAV_HEADER)
        (void)wav_is_ours(data, comment, 8000);
    return 0;
}
