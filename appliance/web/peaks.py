"""The measuring process behind `waveforms`: `python -m appliance.web.peaks FILE POINTS` prints a waveform as JSON.

It makes itself nice so that no call waits for it, and imports next to nothing so that it starts at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from appliance.errors import HakoError
from appliance.media.recordings import waveform


def main() -> None:
    """Exit 1 with the reason on standard error when the file cannot be measured."""
    os.nice(15)
    try:
        print(json.dumps(waveform(Path(sys.argv[1]), int(sys.argv[2])), separators=(",", ":")))
    except (HakoError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
