/* telephone-events: each field in its bounds. */
#include <stdlib.h>

#include "rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct telephone_event event;
    if (telephone_event_parse(data, size, &event)) {
        char digit = telephone_event_digit(event.event);
        if (size < 4 || event.volume > 63 || (digit != 0) != (event.event < 16))
            abort();
    }
    return 0;
}
