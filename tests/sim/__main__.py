"""`python -m tests.sim SEED [--calls N] [--trace] [--seeds N]`: replays one seed, or runs many after each other."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.sim.day import Day
from tests.sim.network import PERFECT


def main() -> int:
    """Runs the seeds asked for; 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds from SEED on")
    parser.add_argument("--trace", action="store_true", help="prints every message, event and problem")
    parser.add_argument("--perfect", action="store_true", help="a network without faults")
    parser.add_argument("--calm", action="store_true", help="nothing goes wrong but what people do")
    parser.add_argument("--kills", action="store_true", help="the box is killed and started again, many times")
    options = parser.parse_args()
    failed = 0
    for seed in range(options.seed, options.seed + options.seeds):
        started = time.process_time()
        day = Day(
            seed,
            options.calls,
            PERFECT if options.perfect else None,
            (lambda text: print(text)) if options.trace else None,
            options.calm,
            options.kills,
        )
        try:
            day.run()
            said = "ok"
        except Exception as error:
            failed += 1
            said = f"FAILED {error}"
            if not isinstance(error, AssertionError) or options.trace:
                traceback.print_exc()
        world, seconds = day.world, time.process_time() - started
        counts = world.box.story.counts
        print(
            f"seed {seed}: {said} | {counts.get('CallStarted', 0)} calls, {sum(counts.values())} events, "
            f"{world.network.carried} messages, {world.clock.mono - 1000:.0f} s in {seconds:.1f} s "
            f"| {world.box.taken} taken over | {world.box.story.fingerprint()}",
            flush=True,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
