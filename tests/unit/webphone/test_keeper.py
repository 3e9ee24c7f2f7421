"""The process of the telephones, a real one: started on demand, adopted, brought back, ended."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from appliance.webphone import keeper as module
from appliance.webphone.keeper import Keeper, WebPhonesUnavailable
from appliance.webphone.messages import LOCK, Dial, Leave, Open, line

OPENED = Open(extension="201", name="Desk", sip=("127.0.0.1", 9), credentials=("browser-201", "secret"))


async def first(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readline(), 20)


async def test_a_telephone_starts_the_process_and_its_end_is_noticed(tmp_path: Path) -> None:
    lost = asyncio.Event()
    keeper = Keeper(tmp_path, lost.set)
    assert not await keeper.adopt()
    reader, writer = await keeper.open(OPENED)
    assert b'"ready"' in await first(reader)
    assert keeper.running and keeper.pid == int((tmp_path / LOCK).read_text())
    os.kill(keeper.pid, signal.SIGKILL)
    await asyncio.wait_for(lost.wait(), 5)
    assert not keeper.running and keeper.restarts == 1
    with pytest.raises(WebPhonesUnavailable, match="starts again"):
        await keeper.open(OPENED)
    writer.close()
    await keeper.stop()


async def test_the_next_run_of_the_box_adopts_it_with_its_telephones(tmp_path: Path) -> None:
    before, after = Keeper(tmp_path, lambda: None), Keeper(tmp_path, lambda: None)
    reader, writer = await before.open(OPENED)
    token = (await first(reader)).split(b'"token":"')[1].split(b'"')[0].decode()
    writer.close()
    assert await after.adopt() and after.pid == before.pid
    resumed = Open(extension="201", name="Desk", sip=("127.0.0.1", 9), credentials=("browser-201", "new"), resume=token)
    reader, writer = await after.open(resumed)
    assert b'"resumed":true' in await first(reader)
    stranger = Open(extension="202", name="", sip=("127.0.0.1", 9), credentials=("browser-202", "x"), resume=token)
    other, second = await after.open(stranger)
    assert b'"resumed":false' in await first(other)
    for one in (writer, second):
        one.close()
    await after.stop()
    await before.stop()


async def test_who_leaves_it_alone_does_not_end_it(tmp_path: Path) -> None:
    lost: list[bool] = []
    before, after = Keeper(tmp_path, lambda: lost.append(True)), Keeper(tmp_path, lambda: None)
    reader, writer = await before.open(OPENED)
    assert b'"ready"' in await first(reader)
    pid = before.pid
    await before.leave()
    assert await after.adopt() and after.pid == pid and not lost
    writer.close()
    await after.stop()


async def test_nonsense_closes_that_connection_alone(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, lambda: None)
    good, writer = await keeper.open(OPENED)
    assert b'"ready"' in await first(good)
    bad, broken = await keeper.open(OPENED)
    assert b'"ready"' in await first(bad)
    broken.write(b'{"type":"offer"}\n')
    while await asyncio.wait_for(bad.readline(), 5):
        pass
    writer.write(line(Dial(number="204")))
    while b'"call"' not in (told := await first(good)):
        pass
    assert b'"calling"' in told
    writer.write(line(Leave()))
    while b'"left"' not in await first(good):
        pass
    await keeper.stop()


async def test_without_the_library_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MODULES", ("no_such_library",))
    assert not module.installed()
    with pytest.raises(WebPhonesUnavailable, match="not installed"):
        await Keeper(tmp_path, lambda: None).open(OPENED)
