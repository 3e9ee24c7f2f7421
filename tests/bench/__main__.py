"""`python -m tests.bench [--quick] [--write] [--only PART…]`: measures a box and prints a table.

Nothing is asserted: figures in time are for people to read, on a machine that they know.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Callable
from typing import NamedTuple

from tests.bench import alone, bare, calls, meter, registrations, relay, rtpengine, table
from tests.bench.box import Box, pages, running_box
from tests.bench.meter import median
from tests.bench.peers import Peers
from tests.bench.table import Row

PAGES_A_SECOND = 10.0
SIZES = (50, 200, 500)
"""Calls at a time."""
BARE_CALLS = 200
"""With so many the fixed load runs too."""


class Plan(NamedTuple):
    """How much is measured."""

    rounds: int
    calls: int
    registrations: int
    invites: int
    seconds: float


FULL = Plan(rounds=5, calls=400, registrations=3000, invites=1500, seconds=6.0)
QUICK = Plan(rounds=1, calls=250, registrations=1000, invites=400, seconds=3.0)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def memory_idle(box: Box, plan: Plan) -> list[Row]:
    """Before anything happened to the box."""
    return [Row("memory idle, all processes", meter.pss_mb(box.pids), "MB", 120, 90)]


def signalling(box: Box, plan: Plan) -> list[Row]:
    """CPU per call, calls per second, registrations."""
    if shutil.which(calls.SIPP) is None:
        say("no SIPp (apt-get install sip-tester): calls and registrations are not measured")
        return []
    paced, brisk, fast, phones = [], [], [], []
    calls.measure(box, plan.calls, 100)  # the first calls after a start cost more
    woken = []
    for number in range(plan.rounds):
        woken.append(bare.cost_us(50 * calls.RECEIVED))
        paced.append(calls.measure(box, plan.calls, 50))
        brisk.append(calls.measure(box, plan.calls * 2, 200))
        fast.append(calls.measure(box, plan.calls * 2, 2000, hold_ms=0, at_once=24))
        phones.append(registrations.measure(box, plan.registrations))
        say(f"round {number + 1}: {paced[-1]}\n         {brisk[-1]}\n         {fast[-1]}\n         {phones[-1]}")
    failed = sum(one.failed for one in paced + brisk + fast) + sum(one.failed for one in phones)
    user, system = median([one.user_ms for one in paced]), median([one.system_ms for one in paced])
    media, base = median([one.media_ms for one in paced]), median([one.reference_ms for one in paced])
    note = f"user {user:.2f} + system {system:.2f}; {media:.2f} of it hako-media; {failed} failed"
    per_core = median([one.per_core for one in phones])
    return [
        Row("CPU per call, 50 a second", median([one.total_ms for one in paced]), "ms", 3.3, 2, note=note),
        Row(
            "a bare responder, woken as often at that pace",
            median(woken) * calls.RECEIVED / 1000,
            "ms",
            note=f"{median(woken):.0f} µs a message; back to back {base * 1000 / meter.MESSAGES_A_CALL:.1f} µs",
        ),
        Row("CPU per call, 200 a second", median([one.total_ms for one in brisk]), "ms", 3.3, 2),
        Row("CPU per call, as fast as it goes", median([one.total_ms for one in fast]), "ms", 3.3, 2),
        Row("calls a second, SIPp beside it", median([one.per_second for one in fast]), "/s"),
        Row("registrations with digest on one core", per_core, "/s", 1500, 3000, more_is_better=True),
    ]


def delays(box: Box, plan: Plan) -> list[Row]:
    """INVITE in to INVITE out, and to 100, beside a bare responder that gets the same messages."""
    with Peers() as peers, bare.running_responder():
        quiet, quiet_bare = peers.measure(max(100, plan.invites // 5), 20), peers.take_bare()
        with pages(box, PAGES_A_SECOND):
            busy, busy_bare = peers.measure(plan.invites, 50), peers.take_bare()
    note = f"{len(busy)} INVITEs at 50 a second, {PAGES_A_SECOND:.0f} pages a second; "
    note += f"the bare responder beside it {meter.rank(busy_bare, 0.999):.1f} ms"
    alone = f"the bare responder beside it {median(quiet_bare):.2f} ms"
    late = meter.rank([one.trying for one in busy], 0.999)
    return [
        Row("INVITE in to INVITE out, median", median([one.out for one in quiet]), "ms", 3, 1.5, note=alone),
        Row("the same while pages are served", median([one.out for one in busy]), "ms"),
        Row("INVITE to 100, p99.9, while pages are served", late, "ms", 20, 10, note=note),
    ]


def audio(box: Box, plan: Plan) -> list[Row]:
    """Relay and recording beside rtpengine, round by round."""
    if shutil.which("gcc") is None:
        say("no gcc: audio is not measured")
        return []
    beside = rtpengine.there()
    if not beside:
        say("no rtpengine (apt-get install rtpengine-daemon): audio is measured without a peer")
    program = relay.build_load(box.folder)
    runs: dict[tuple[str, int], list[relay.Passed]] = {}
    library: dict[str, list[float]] = {}
    """SRTP suite -> what libsrtp takes by itself for a packet."""
    for number in range(plan.rounds):
        for count in SIZES:
            runs.setdefault(("relayed", count), []).append(relay.through_box(box, program, count, plan.seconds))
            if count == BARE_CALLS:
                bare_relay = relay.through_bare_relay(box.folder, count, plan.seconds, program)
                runs.setdefault(("a bare relay in C", count), []).append(bare_relay)
            if beside:
                peer = relay.through_rtpengine(box.folder, program, count, plan.seconds)
                runs.setdefault(("rtpengine", count), []).append(peer)
        box.record("always")
        for count in SIZES:
            runs.setdefault(("recorded", count), []).append(relay.through_box(box, program, count, plan.seconds))
        box.record("never")
        runs.setdefault(("transcoded G.722 ↔ G.711", 100), []).append(
            alone.measure(program, alone.transcoded, 100, plan.seconds)
        )
        runs.setdefault(("monitored", 100), []).append(alone.measure(program, alone.monitored, 100, plan.seconds))
        if relay.has_srtp():
            runs.setdefault(("plain, engine alone", 100), []).append(
                alone.measure(program, alone.plain, 100, plan.seconds)
            )
            for suite, (_, code) in alone.SUITES.items():
                runs.setdefault((f"{SECURED}{suite}", 100), []).append(
                    alone.measure(program, alone.secured(suite), 100, plan.seconds)
                )
                library.setdefault(suite, []).append(relay.srtp_cost_us(box.folder, code))
        for (kind, count), passed in runs.items():
            say(f"round {number + 1}: {kind} {count}: {passed[-1]}")
    with pages(box, PAGES_A_SECOND):
        runs["relayed, pages", 200] = [relay.through_box(box, program, 200, plan.seconds)]
    return audio_rows(runs) + srtp_rows(runs, library)


SECURED = "SRTP on one side, "


def srtp_rows(runs: dict[tuple[str, int], list[relay.Passed]], library: dict[str, list[float]]) -> list[Row]:
    """What the engine adds to libsrtp's own cost, round by round: of two packets one is opened and one is protected."""
    rows = []
    for suite, alone_us in library.items():
        pairs = zip(runs[f"{SECURED}{suite}", 100], runs["plain, engine alone", 100], alone_us, strict=True)
        added = median([secure.cpu_us - plain.cpu_us - own for secure, plain, own in pairs])
        note = f"libsrtp2 alone {median(alone_us):.2f} µs a packet, 100 streams in turn"
        rows.append(Row(f"… of it neither relaying nor libsrtp, {suite}", added, "µs", note=note))
    return rows


_DELAYS: tuple[Callable[[relay.Passed], float], ...] = (
    lambda one: one.p50_us,
    lambda one: one.p99_us,
    lambda one: one.p999_us,
)


def audio_rows(runs: dict[tuple[str, int], list[relay.Passed]]) -> list[Row]:
    """Medians, and ratios to the peer's of the same round."""
    rows = []
    limits = {"relayed": (0.55, 0.4), "recorded": (0.85, 0.6)}
    for (kind, count), passed in sorted(runs.items(), key=lambda one: (one[0][1], one[0][0])):
        delay = f"{sum(max(0, one.lost) for one in passed)} lost"
        if all(one.timed for one in passed):
            between = " / ".join(f"{median([at(one) for one in passed]) / 1000:.2f}" for at in _DELAYS)
            delay = f"delay p50 / p99 / p99.9 {between} ms; {delay}"
        if passed[0].late >= 0:
            delay += f", {100 * median([one.late for one in passed]):.1f} % of ticks late"
        rows.append(
            Row(f"CPU per packet, {count} calls, {kind}", median([one.cpu_us for one in passed]), "µs", note=delay)
        )
        peer = runs.get(("rtpengine", count))
        if peer and kind in limits:
            ratio = median([own.cpu_us / other.cpu_us for own, other in zip(passed, peer, strict=True)])
            wanted = limits[kind] if count == 200 else (None, None)
            rows.append(Row(f"… beside rtpengine's relay, {count} calls, {kind}", ratio, "×", *wanted))
    worst = runs["relayed, pages", 200][0]
    rows.append(Row("relay delay p99.9, 200 calls, pages meanwhile", worst.p999_us / 1000, "ms", 2, 1))
    recorded = median([one.pss_mb for one in runs["recorded", 200]])
    rows.append(Row("memory with 200 recorded calls, all processes", recorded, "MB", 200, 150))
    return rows


PARTS: dict[str, Callable[[Box, Plan], list[Row]]] = {
    "memory": memory_idle,
    "signalling": signalling,
    "delays": delays,
    "audio": audio,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of little, under two minutes")
    parser.add_argument("--write", action="store_true", help="put the table into tests/bench/README.md")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what was started
    plan = QUICK if options.quick else FULL
    conditions = [table.machine()]
    if shutil.which(calls.SIPP):
        conditions.append(calls.version())
    if rtpengine.there():
        conditions.append(f"rtpengine {rtpengine.version()}, user space (`--table=-1`), two threads")
    rows: list[Row] = []
    with running_box() as box:
        for name in options.only:
            say(f"— {name}")
            rows += PARTS[name](box, plan)
    shown = table.text(rows)
    print("\n".join(conditions), shown, sep="\n\n")
    if options.write:
        table.write(shown, conditions)


if __name__ == "__main__":
    main()
