"""The keeper of a sound process, with small programs in its place: starts, crashes, hangs, ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.exchange.sound import CardLink
from appliance.sound import client
from appliance.sound.client import SoundProcess, Trouble

READY = """print('{"type":"ready","port":4000,"clock":16000,"device":"card"}', flush=True)"""


class Kept:
    """A `SoundProcess` whose program is this text, and what it told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, program: str, port: int = 10000) -> None:
        monkeypatch.setattr(client, "MODULE", (sys.executable, "-u", "-c", "import sys, time, os\n" + program))
        monkeypatch.setattr(client, "hindrance", lambda: None)
        self.links: list[CardLink | None] = []
        self.troubles: list[Trouble | None] = []

        def linked(link: CardLink | None) -> int:
            self.links.append(link)
            return port if link is not None else 0

        self.process = SoundProcess("output", linked, lambda: self.troubles.append(self.process.trouble))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_it_is_told_the_port_and_ends_with_its_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    kept = Kept(monkeypatch, f"{READY}\nopen({str(told)!r}, 'w').write(sys.stdin.read())")
    await kept.process.want("auto")
    await kept.until(lambda: kept.process.device == "card")
    assert kept.links == [CardLink(4000, 16000)]
    pid = kept.process.pid
    await kept.process.close()
    assert told.read_text() == '{"type":"engine","port":10000}\n'
    assert kept.links[-1] is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_one_that_crashes_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.01)
    kept = Kept(monkeypatch, f"{READY}\ntime.sleep(0.05)\nos.abort()")
    await kept.process.want("auto")
    await kept.until(lambda: kept.process.starts >= 3)
    assert [link is None for link in kept.links[:4]] == [False, True, False, True]
    assert kept.troubles[1] is not None and kept.troubles[1].why == "crashed"
    await kept.process.close()


async def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ALIVE_SECONDS", 0.3)
    kept = Kept(monkeypatch, f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{READY}\ntime.sleep(600)")
    await kept.process.want("auto")
    await kept.until(lambda: kept.process.pid)
    pid = kept.process.pid
    await kept.until(lambda: Trouble("hangs") in kept.troubles)
    assert kept.links == [CardLink(4000, 16000), None]
    await kept.process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("""print('{"type":"failed","why":"not-found","detail":"a, b"}')""", "not-found"),
        ("""print("rubbish")\nprint('{"type":"failed","why":"refused"}')""", "refused"),
        ("print('x' * 200_000)", "crashed"),
        ("", "crashed"),
    ],
)
async def test_why_it_ended_is_known(monkeypatch: pytest.MonkeyPatch, program: str, why: str) -> None:
    kept = Kept(monkeypatch, program)
    await kept.process.want("auto")
    await kept.until(lambda: kept.troubles)
    assert kept.troubles[0] is not None and kept.troubles[0].why == why
    assert kept.links == []
    await kept.process.close()


async def test_the_log_says_once_why_it_ends_again_and_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(client, "LONGEST_PAUSE", 0.01)
    why = tmp_path / "why"
    why.write_text("no-card")
    program = f"""print('{{"type":"failed","why":"' + open({str(why)!r}).read() + '"}}')"""
    kept = Kept(monkeypatch, program)
    await kept.process.want("auto")
    await kept.until(lambda: kept.process.starts > 3)
    assert [record.getMessage() for record in caplog.records] == ["the sound process (output) ended: no-card "]
    why.write_text("refused")
    await kept.until(lambda: kept.troubles[-1] == Trouble("refused"))
    await kept.process.close()
    assert [record.args[1] for record in caplog.records if record.args] == ["no-card", "refused"]


async def test_without_a_free_port_it_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(monkeypatch, f"{READY}\ntime.sleep(600)", port=0)
    await kept.process.want("auto")
    await kept.until(lambda: Trouble("no-port") in kept.troubles)
    await kept.process.close()


async def test_a_new_wish_ends_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(monkeypatch, f"{READY}\nsys.stdin.read()")
    await kept.process.want("auto")
    await kept.until(lambda: kept.process.device)
    await kept.process.want("usb")
    await kept.until(lambda: kept.process.starts == 2 and kept.process.device)
    await kept.process.want("off")
    assert (kept.process.device, kept.process.trouble, kept.process.pid) == ("", None, 0)


async def test_without_a_card_nothing_is_started_until_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LOOK_SECONDS", 0.02)
    kept = Kept(monkeypatch, f"{READY}\nsys.stdin.read()")
    there: list[Trouble | None] = [Trouble("no-card")]
    monkeypatch.setattr(client, "hindrance", lambda: there[0])
    await kept.process.want("auto")
    await asyncio.sleep(0.1)
    assert (kept.process.starts, kept.process.trouble) == (0, Trouble("no-card"))
    there[0] = None
    await kept.until(lambda: kept.process.device == "card")
    assert kept.process.trouble is None
    await kept.process.close()
