"""`python -m tests.peers.kit.hasty …/hako serve …`: a box whose quiet moments come at once, and whose retries soon."""

from __future__ import annotations

import sys

from appliance.app import archive
from appliance.cli import main

if __name__ == "__main__":
    archive.PAUSE_SECONDS = 0.3  # type: ignore[misc]
    archive.RETRY_SECONDS = 2.0  # type: ignore[misc]
    archive.PLAYED_SECONDS = 1.0  # type: ignore[misc]
    # How busy the machine is with other tests is not what is tested.
    archive.CALLS_A_CORE = 0  # type: ignore[misc]
    archive.os.getloadavg = lambda: (0.0, 0.0, 0.0)
    sys.argv = sys.argv[1:]
    sys.exit(main())
