"""The TCP driver: what connections it keeps, and whose it closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from appliance.net import tcp
from appliance.net.tcp import TcpDriver
from appliance.sip.flow import Flow


class Side:
    """A driver on loopback whose clock the test moves, and the flows that somebody needs."""

    def __init__(self) -> None:
        self.used: set[Flow] = set()
        self.got: list[tuple[Flow, bytes]] = []
        self.gone: list[Flow] = []
        self.now = 100.0
        self.happened = asyncio.Event()
        self.driver = TcpDriver(
            lambda flow, data: self.got.append((flow, data)),
            lambda flow, _why: self.gone.append(flow),
            self.happened.set,
            lambda: self.used,
        )
        self.driver.time = lambda: self.now

    async def connect(self, count: int = 1) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Peers that connect, one after the other; each is heard of when it is there."""
        assert self.driver.address is not None
        made = []
        for _ in range(count):
            self.now += 0.01
            reader, writer = await asyncio.open_connection(*self.driver.address)
            heard = len(self.got)
            writer.write(b"hello")
            refused = asyncio.ensure_future(reader.read(1))
            refused.add_done_callback(lambda _: self.happened.set())
            await self.until(lambda heard=heard, refused=refused: len(self.got) > heard or refused.done())  # type: ignore[misc]
            refused.cancel()
            await asyncio.gather(refused, return_exceptions=True)
            made.append((reader, writer))
        return made

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10.0):
            while not so():
                self.happened.clear()
                await self.happened.wait()


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    made = Side()
    await made.driver.start("127.0.0.1", port=0)
    await made.driver.serve()
    yield made
    await made.driver.close()


async def test_a_silent_connection_that_nobody_needs_is_closed(side: Side) -> None:
    peers = await side.connect(3)
    kept = side.got[1][0]
    side.used.add(kept)
    side.now += tcp.IDLE_SECONDS - 1
    peers[2][1].write(b"still here")
    await side.until(lambda: len(side.got) == 4)
    side.now += 2
    side.driver.sweep()
    await side.until(lambda: side.gone == [side.got[0][0]])
    assert {one.flow for one in side.driver.connections.values()} == {kept, side.got[2][0]}
    side.now += tcp.UNUSED_SECONDS
    side.driver.sweep()
    await side.until(lambda: len(side.gone) == 2)
    assert {one.flow for one in side.driver.connections.values()} == {kept}, "a registered phone's stays"
    for _, writer in peers:
        writer.close()


async def test_one_source_cannot_fill_the_box(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "MAX_UNUSED_OF_SOURCE", 5)
    monkeypatch.setattr(tcp, "LOOK_SECONDS", -1.0)
    peers = await side.connect(3)
    side.used |= {flow for flow, _ in side.got}
    peers += await side.connect(9)
    assert len(side.driver.connections) == 3 + 5, "those in use are not counted"
    assert side.used <= {one.flow for one in side.driver.connections.values()}
    assert side.got[-1][0] in {one.flow for one in side.driver.connections.values()}, "the newcomer is let in"
    for _, writer in peers:
        writer.close()


async def test_when_the_box_is_full_the_quietest_goes_but_none_in_use(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(tcp, "LOOK_SECONDS", -1.0)
    peers = await side.connect(4)
    flows = [flow for flow, _ in side.got]
    side.used |= set(flows[:2])
    peers += await side.connect(1)
    await side.until(lambda: side.gone == [flows[2]])
    side.used |= {one.flow for one in side.driver.connections.values() if one.flow is not None}
    peers += await side.connect(1)
    assert len(side.driver.connections) == 4, "nobody in use is put out for a newcomer"
    for _, writer in peers:
        writer.close()
