"""A real box for tests: `hako serve` in a folder of its own on free ports, and its API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from appliance.media.prompts import PromptLibrary
from appliance.site.reader import load
from tests.peers.kit.ports import free_range
from tests.peers.kit.processes import Program, until
from tests.peers.kit.sound import Samples, mono

READY_SECONDS = 60.0
"""The first start on a machine makes prompts."""

Json = dict[str, Any]


class Box:
    """Starts, stops and kills one box; a new start finds the same folder and, once known, the same ports."""

    def __init__(self, folder: Path, site: str, bind: str = "127.0.0.1") -> None:
        self.folder, self.data = folder, folder / "data"
        self.host, self.bind = "127.0.0.1", bind
        self.site = folder / "site.toml"
        self.site.write_text(site)
        low, high = free_range(60)
        self.rtp = f"{low}-{high}"
        self.sip_port = self.web_port = self.https_port = 0
        self.program: Program | None = None
        self.starts = 0
        self._cookie = ""
        self.prefix: Sequence[str] = ()
        """Put before the command (to limit what the process may do)."""

    # --- life --------------------------------------------------------------------------------------------------------
    def command(self) -> list[str]:
        """The whole command line."""
        serve = [*self.prefix, str(Path(sys.executable).parent / "hako"), "serve"]
        serve += ["--data", str(self.data), "--site", str(self.site), "--rtp", self.rtp]
        serve += ["--https", f"{self.bind}:{self.https_port}"]
        return [*serve, "--sip", f"{self.bind}:{self.sip_port}", "--web", f"{self.bind}:{self.web_port}"]

    async def start(self) -> None:
        """Returns when calls can be made."""
        self.starts += 1
        log = self.folder / f"box{self.starts}.log"
        self.program = program = Program(self.command(), log, Path(__file__).parents[3])
        line = await until(
            lambda: (
                next((one for one in program.output().splitlines() if one.startswith("ready ")), "") or program.ended
            ),
            READY_SECONDS,
            lambda: f"the box is ready\n{program.output()}",
        )
        assert isinstance(line, str), f"the box ended at its start:\n{program.output()}"
        sip, web = line.removeprefix("ready ").split()
        self.sip_port = int(sip.rpartition(":")[2])
        self.web_port = int(web.rstrip("/").rpartition(":")[2])
        secure = await until(
            lambda: next((one for one in program.output().splitlines() if one.startswith("https web=")), ""),
            10.0,
            "the box serves HTTPS",
        )
        self.https_port = int(secure.rstrip("/").rpartition(":")[2])
        self._cookie = ""

    async def stop(self) -> int:
        """In the orderly way; its exit status."""
        assert self.program is not None
        return await self.program.end()

    def kill(self) -> None:
        """`kill -9` of hako alone: the media process lives on."""
        assert self.program is not None
        self.program.kill()

    async def close(self) -> None:
        """Nothing of the box runs any more, whatever the test did."""
        if self.program is not None:
            await self.program.end(seconds=8.0)
        media = self.media_pid()
        if media:
            with contextlib.suppress(ProcessLookupError):
                os.kill(media, signal.SIGKILL)

    def media_pid(self) -> int:
        """The media process of this folder; 0: none."""
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.data / "media.lock").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"appliance.media.engine.process" in command and str(self.data).encode() in command:
                return pid
        return 0

    def log(self) -> str:
        """What the present run has said."""
        return self.program.output() if self.program is not None else ""

    def prompt(self, text: str = "", position: int = 0) -> Samples:
        """The sound of a text of the site, or of "you are number …", as the box has it in its cache."""
        library = PromptLibrary(self.data / "prompts")
        library.prepare(load(self.site.read_text()))
        files = library.position(position, "en") if position else library.text(text, "en")
        assert files, f"the box has no prompt for {text or position}"
        return np.concatenate([mono(Path(one)) for one in files])

    # --- API ---------------------------------------------------------------------------------------------------------
    @property
    def sip(self) -> str:
        return f"{self.host}:{self.sip_port}"

    @property
    def web(self) -> str:
        return f"http://{self.host}:{self.web_port}"

    @property
    def https(self) -> str:
        return f"https://{self.host}:{self.https_port}"

    async def _headers(self, session: aiohttp.ClientSession) -> dict[str, str]:
        if not self._cookie:
            body = {"name": "admin", "password": "Correct-Horse-9"}
            async with session.post(f"{self.web}/api/v1/session", json=body, headers={"Origin": self.web}) as answer:
                assert answer.status == 200, await answer.text()
                self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return {"Cookie": self._cookie, "Origin": self.web}

    async def call_api(
        self, method: str, path: str, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """(status, body) of one request below /api/v1."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"{self.web}/api/v1/{path}", json=body, headers=await self._headers(session) | (headers or {})
            ) as answer,
        ):
            return answer.status, await answer.read()

    async def get(self, path: str) -> Any:
        """The document at `path`."""
        status, body = await self.call_api("GET", path)
        assert status == 200, f"{path}: {status} {body!r}"
        return json.loads(body)

    async def metrics(self) -> dict[str, float]:
        """`/metrics`: name with labels -> value."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.web}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    async def items(self, path: str) -> list[Json]:
        """The items of a list."""
        found: list[Json] = (await self.get(path))["items"]
        return found

    async def told_of(self, what: str, seconds: float = 20.0) -> bool:
        """Whether a fault that names `what` is shown within this time."""
        for _ in range(int(seconds * 10)):
            if any(what in str(one["text"]) for one in (await self.get("system"))["faults"]):
                return True
            await asyncio.sleep(0.1)
        return False

    async def set_status(self, agent: str, status: str) -> None:
        """Logs an agent in or out."""
        code, body = await self.call_api("PUT", f"agents/{agent}/status", {"status": status})
        assert code in (200, 204), body

    async def agent(self, agent: str) -> Json:
        """An agent as the live page sees it."""
        return next(one for one in await self.items("agents") if one["id"] == agent)

    async def record(self, **fields: str) -> Json:
        """The newest record of a call that is over whose fields are these; waits for it."""
        found: list[Json] = []
        for _ in range(60):
            found = await self.items("records?limit=50&service=true")
            for one in found:
                if one["ended"] and all(one[name] == value for name, value in fields.items()):
                    return one
            await asyncio.sleep(0.05)
        raise AssertionError(f"no record with {fields}; the newest are {found[:4]}")

    async def recording(self, identity: str) -> bytes:
        """The audio of a recording."""
        status, body = await self.call_api("GET", f"recordings/{identity}/audio")
        assert status == 200, body
        return body

    @contextlib.asynccontextmanager
    async def events(self, after: int | None = None) -> AsyncIterator[Feed]:
        """Everything that happens from now on (or since `after`), as the WebSocket tells it."""
        if after is None:
            after = (await self.get("calls"))["seq"]
        async with aiohttp.ClientSession() as session:
            address = f"{self.web}/api/v1/events?after={after}"
            async with session.ws_connect(address, headers=await self._headers(session)) as socket:
                feed = Feed(socket)
                try:
                    yield feed
                finally:
                    feed.close()


class Feed:
    """Live events as they came in."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.seen: list[Json] = []
        self._socket = socket
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            self.seen.append(json.loads(message.data))

    def find(self, kind: str, **fields: Any) -> Json | None:
        """The first event of this type with these fields."""
        return next((one for one in self.all(kind, **fields)), None)

    def all(self, kind: str, **fields: Any) -> list[Json]:
        """Every event of this type with these fields."""
        return [
            one
            for one in self.seen
            if one["type"] == kind and all(one.get(name) == value for name, value in fields.items())
        ]

    async def until(self, kind: str, seconds: float = 8.0, **fields: Any) -> Json:
        """Waits for an event (that may have come already)."""
        return await until(lambda: self.find(kind, **fields), seconds, lambda: f"{kind} {fields}; seen:\n{self.told()}")

    def order(self, *moments: str) -> None:
        """Asserts that `type` or `type:word` (some field has that value) came in this order."""
        at = 0
        for moment in moments:
            kind, _, word = moment.partition(":")
            while at < len(self.seen) and not (
                self.seen[at]["type"] == kind and (not word or word in map(str, self.seen[at].values()))
            ):
                at += 1
            assert at < len(self.seen), f"{moment} did not come after what stands before it in:\n{self.told()}"
            at += 1

    def told(self) -> str:
        """For a person who reads a failure."""
        return "\n".join(json.dumps(one) for one in self.seen)

    def close(self) -> None:
        self._task.cancel()
