"""baresip as a phone or a carrier: its own folder, its own tone, everything it hears recorded, driven over TCP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.peers.kit.ports import free_port, free_range
from tests.peers.kit.processes import Program, until
from tests.peers.kit.sound import Samples, growing, heard, loudness, sounds, write_tone

Json = dict[str, Any]

STALE_SECONDS = 0.4
"""A recording that has not grown for so long says nothing about what is heard now."""

_CONFIG = """\
poll_method epoll
sip_listen {listen}
call_local_timeout 120
call_max_calls 4
audio_source aufile,{tone}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp}
rtcp_mux no
rtp_stats no
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control}
snd_path {folder}
"""


class Phone:
    """One baresip. `async with Phone(...) as phone:` starts it and waits until it is registered."""

    def __init__(
        self,
        folder: Path,
        server: str,
        user: str,
        hertz: int,
        *,
        password: str = "",
        transport: str = "udp",
        auto_answer: bool = False,
        register: bool = True,
        port: int = 0,
        host: str = "127.0.0.1",
        netns: str = "",
        codecs: str = "",
        srtp: str = "",
        ptime: int = 0,
        trace: bool = False,
    ) -> None:
        self.folder = folder / f"phone-{user}-{hertz}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.user, self.hertz, self.server = user, hertz, server
        self.port = port or free_port()
        self.host, self.netns = host, netns
        self.register, self.trace = register, trace
        self.events: list[Json] = []
        self.program: Program | None = None
        self._control = free_port()
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[str, Json] = {}
        self._token = 0
        self._low, self._high = free_range(12)
        tone = folder / f"tone-{hertz}.wav"
        if not tone.exists():
            write_tone(tone, hertz, 90)
        bracketed = f"[{host}]" if ":" in host else host
        (self.folder / "config").write_text(
            _CONFIG.format(
                listen=f"{bracketed}:{self.port}",
                tone=tone,
                rtp=f"{self._low}-{self._high}",
                host=bracketed,
                control=self._control,
                folder=self.folder,
            )
        )
        address = f"<sip:{user}@{server};transport={transport}>"
        options = f";auth_user={user};auth_pass={password or 'none'}"
        options += f";regint={300 if register else 0};answermode={'auto' if auto_answer else 'manual'}"
        options += f";audio_codecs={codecs}" if codecs else ""
        # srtp: offers keys in a plain profile; srtp-mand: RTP/SAVP and nothing else; srtp-mandf: RTP/SAVPF.
        options += f";mediaenc={srtp}" if srtp else ""
        options += f";ptime={ptime}" if ptime else ""
        (self.folder / "accounts").write_text(address + options + "\n")
        (self.folder / "contacts").write_text("")

    @property
    def rtp(self) -> str:
        """Its audio's ports, as a firewall's rule names a range (RTCP is among them)."""
        return f"{self._low}-{self._high}"

    # --- life --------------------------------------------------------------------------------------------------------
    async def __aenter__(self) -> Phone:
        try:
            await self.start()
            if self.register:
                await self.registered()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts baresip and connects to it; does not wait for its registration."""
        # Without a terminal baresip asks on its standard input for what is missing; nothing may be missing.
        command = [
            "baresip",
            "-6" if ":" in self.host else "-4",
            "-v",
            *(["-s"] if self.trace else []),
            "-f",
            str(self.folder),
        ]
        self.program = program = Program(command, self.folder / "log", netns=self.netns)
        await until(
            lambda: "baresip is ready" in program.output() or program.ended,
            10,
            lambda: f"baresip is ready:\n{program.output()}",
        )
        reader, self._writer = await self._connect()
        self._reader = asyncio.get_running_loop().create_task(self._read(reader))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self._control)

    async def registered(self) -> None:
        """Waits until the server has said 200 to its REGISTER."""
        await until(lambda: f"{self.user}@" in self.said() and " 200 OK " in self.said(), 8, self.said)

    async def stop(self) -> None:
        """Ends it in its own way: calls are hung up, the registration is taken back."""
        if self.program is not None and not self.program.ended:
            await self.program.end(seconds=3.0)
        await self._disconnect()

    async def vanish(self) -> None:
        """Its power cable is pulled."""
        assert self.program is not None
        self.program.kill()
        await self._disconnect()

    async def _disconnect(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    # --- control (ctrl_tcp: JSON in netstrings) ----------------------------------------------------------------------
    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads(await reader.readexactly(length))
                await reader.readexactly(1)
                if message.get("event"):
                    self.events.append(message)
                elif message.get("response"):
                    self._answers[message.get("token", "")] = message

    async def command(self, name: str, parameters: str = "") -> str:
        """Runs a command of baresip's menu; what it prints."""
        assert self._writer is not None
        self._token += 1
        token = str(self._token)
        body = json.dumps({"command": name, "params": parameters, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        answer = await until(lambda: self._answers.get(token), 5, lambda: f"{name}: {self.said()}")
        assert answer.get("ok"), f"{name} {parameters}: {answer}"
        return str(answer.get("data", ""))

    def said(self) -> str:
        """What baresip printed."""
        return self.program.output() if self.program is not None else ""

    def count(self, kind: str) -> int:
        """How many events of a type came."""
        return sum(one.get("type") == kind for one in self.events)

    async def until(self, kind: str, seconds: float = 8.0, times: int = 1) -> Json:
        """Waits for the `times`-th event of a type: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK …"""
        await until(
            lambda: self.count(kind) >= times,
            seconds,
            lambda: f"{self.user}: {kind} x{times}; had {[one.get('type') for one in self.events]}\n{self.said()}",
        )
        return [one for one in self.events if one.get("type") == kind][times - 1]

    # --- a person's hands --------------------------------------------------------------------------------------------
    async def dial(self, number: str) -> None:
        await self.command("dial", number if number.startswith("sip:") else f"sip:{number}@{self.server}")

    async def answer(self) -> None:
        await self.command("accept")

    async def hang_up(self) -> None:
        await self.command("hangup")

    async def hold(self) -> None:
        await self.command("hold")

    async def resume(self) -> None:
        await self.command("resume")

    async def press(self, keys: str) -> None:
        """Keys as RFC 4733 events, one after the other."""
        for key in keys:
            await self.command("sndcode", key)

    # --- a person's ears ---------------------------------------------------------------------------------------------
    def audio(self, last: float = 0.6) -> Samples:
        """The last seconds of what came out of the earpiece; nothing when nothing comes any more.

        baresip 1.0 records nothing it hears after it has held a call itself.
        """
        files = sorted(self.folder.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime)
        if not files or time.time() - files[-1].stat().st_mtime > STALE_SECONDS:
            return np.zeros(0, dtype=np.int16)
        return growing(files[-1], last)

    async def hears(self, *tones: int, seconds: float = 5.0) -> None:
        """Waits until exactly these tones are heard."""
        wanted = set(tones)
        await until(
            lambda: heard(self.audio()) == wanted and (bool(wanted) or sounds(self.audio())),
            seconds,
            lambda: f"{self.user} hears {wanted}; hears {heard(self.audio())}, loudness {loudness(self.audio()):.0f}",
        )

    async def is_silent(self, seconds: float = 5.0) -> None:
        """Waits until what is heard is silence."""
        await until(
            lambda: len(self.audio()) > 0 and not sounds(self.audio()),
            seconds,
            lambda: f"{self.user} hears silence; hears {heard(self.audio())}, loudness {loudness(self.audio()):.0f}",
        )

    async def hears_music(self, seconds: float = 5.0) -> None:
        """Waits until something is heard that is nobody's tone."""
        await self.hears(seconds=seconds)
