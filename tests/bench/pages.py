"""People at their browsers, for the benchmarks: pages, lists, searches, figures, one after the other at an even pace.

`python -m tests.bench.pages URL PASSWORD PER_SECOND` logs in, says `on`, asks until SIGTERM, then says what was served.
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import time
import urllib.request

PATHS = (
    "/",
    "/api/v1/records?limit=100",
    "/api/v1/calls",
    "/api/v1/records?number=0311&limit=50",
    "/metrics",
    "/api/v1/registrations",
    "/api/v1/records?text=sipp&limit=50",
    "/api/v1/trunks",
    "/api/v1/system",
    "/api/v1/openapi.json",
)


def main() -> None:
    """Until SIGTERM."""
    base, password, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    ends: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: ends.append(number))
    body = json.dumps({"name": "admin", "password": password}).encode()
    headers = {"Content-Type": "application/json", "Origin": base}
    with urllib.request.urlopen(urllib.request.Request(f"{base}/api/v1/session", body, headers), timeout=10) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    print("on", flush=True)
    served = failed = 0
    due = time.monotonic()
    for path in itertools.cycle(PATHS):
        if ends:
            break
        try:
            with urllib.request.urlopen(
                urllib.request.Request(base + path, headers={"Cookie": cookie}), timeout=10
            ) as it:
                it.read()
            served += 1
        except OSError as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps({"served": served, "failed": failed}))


if __name__ == "__main__":
    main()
