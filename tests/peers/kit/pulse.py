"""A PulseAudio of the test's own: a null sink as loudspeaker, and another one whose monitor is the line-in."""

from __future__ import annotations

import os
import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.peers.kit.processes import Program, until
from tests.peers.kit.sound import Samples, heard, loudness, write_tone
from tests.unit.media.rtp import RATE

MODULES = (
    "module-native-protocol-unix socket={socket} auth-anonymous=1",
    # Without norewinds the null sink stands still for two seconds now and then.
    "module-null-sink sink_name=card norewinds=1",
    "module-null-sink sink_name=line norewinds=1",
)


class Pulse:
    """The server, what is played into the line-in, and what came out of the loudspeaker."""

    def __init__(self, folder: Path) -> None:
        # The socket's path must stay under 108 bytes.
        self.folder = folder
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket = folder / "S"
        self.server: Program | None = None
        self._players: list[Program] = []
        self._recorded = folder / "heard.raw"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find this server and no other."""
        return {
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "PULSE_SERVER": f"unix:{self.socket}",
            "PULSE_SINK": "card",
            "PULSE_SOURCE": "line.monitor",
        }

    @property
    def prefix(self) -> Sequence[str]:
        """Put before a command, it runs in that environment."""
        return ("env", *(f"{name}={value}" for name, value in self.environment.items()))

    async def start(self) -> None:
        """Returns when it takes clients; the recorder of the loudspeaker runs."""
        self.socket.unlink(missing_ok=True)
        loads = [word for module in MODULES for word in ("-L", module.format(socket=self.socket))]
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
        server = [*self.prefix, "pulseaudio", *options, *loads]
        self.server = Program(server, self.folder / "pulse.log")
        await until(self._answers, 10, lambda: f"PulseAudio answers: {self.server and self.server.output()}")
        self._record()

    def _record(self) -> None:
        format_ = ["--raw", "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=20"]
        with self._recorded.open("wb"):
            pass
        record = ["parec", *format_, "-d", "card.monitor", str(self._recorded)]
        self._players.append(Program([*self.prefix, *record], self.folder / "parec.log"))

    def _answers(self) -> bool:
        return self._pactl("info").returncode == 0

    def _pactl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pactl", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )

    def plug(self, module: str) -> None:
        """Loads a module, such as a card."""
        done = self._pactl("load-module", *module.split())
        assert done.returncode == 0, done.stderr

    def feed(self, hertz: int, seconds: float = 60.0) -> Program:
        """Somebody plays a tone into the line-in."""
        path = write_tone(self.folder / f"line-{hertz}.wav", hertz, seconds)
        player = Program([*self.prefix, "paplay", "-d", "line", str(path)], self.folder / "paplay.log")
        self._players.append(player)
        return player

    async def pull(self) -> None:
        """The card is pulled out, the sound server goes on."""
        done = self._pactl("unload-module", "module-null-sink")
        assert done.returncode == 0, done.stderr
        await self._end_players()

    def push(self) -> None:
        """It is plugged in again."""
        for module in MODULES[1:]:
            self.plug(module)
        self._record()

    async def kill(self) -> None:
        """The card is gone at once."""
        assert self.server is not None
        self.server.kill()
        await self._end_players()

    async def close(self) -> None:
        """Nothing of it runs any more."""
        await self._end_players()
        if self.server is not None:
            await self.server.end(seconds=3.0)

    async def _end_players(self) -> None:
        for player in self._players:
            await player.end(seconds=2.0)
        self._players.clear()

    # --- what the room hears -----------------------------------------------------------------------------------------
    def audio(self, last: float = 0.6) -> Samples:
        """The last seconds of what came out of the loudspeaker, at 8 kHz."""
        size = self._recorded.stat().st_size // 2
        count = min(size, int(last * RATE))
        with self._recorded.open("rb") as source:
            source.seek((size - count) * 2)
            return np.frombuffer(source.read(count * 2), dtype="<i2")

    async def plays(self, *tones: int, among: Sequence[int], seconds: float = 8.0) -> None:
        """Waits until of the tones `among` exactly these come out of the loudspeaker."""
        await until(
            lambda: heard(self.audio(), among) == set(tones),
            seconds,
            lambda: f"{tones} in the room; {heard(self.audio(), among)}, loudness {loudness(self.audio()):.0f}",
        )

    async def silent(self, seconds: float = 8.0) -> None:
        """Waits until nothing comes out of the loudspeaker."""
        await until(
            lambda: len(self.audio()) > 0 and loudness(self.audio()) < 20,
            seconds,
            lambda: f"silence in the room; loudness {loudness(self.audio()):.0f}",
        )

    def keep(self, path: Path, seconds: float) -> None:
        """Writes the last seconds as a WAV, for a person who wants to hear a failure."""
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            out.writeframes(self.audio(seconds).astype("<i2").tobytes())
