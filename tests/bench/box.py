"""The box that is measured: `hako serve` on loopback in a folder of its own; its trunk is both carrier and caller."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from appliance.media.protocol import Figures
from tests.bench import meter

HOST = f"127.77.{os.getpid() % 250}.1"
"""All of 127/8 is this machine: on an address that nobody else uses every port is free that no one has everywhere."""
SIP, WEB, CALLER, CARRIER, CONTROL, BARE = 14060, 14080, 14070, 14090, 14022, 14030
"""Of the box, of both outside ends, and of what is measured beside it."""
RTP_LOW, RTP_HIGH = 20000, 22999
STREAMS = 24000
"""First RTP port of the telephones: two for each end of each of 500 calls."""
NUMBER, OUTSIDE = "0399999999", "0311112222"
PASSWORD = "Kettle-bench-Basalt-7"
EXTENSIONS = tuple(str(number) for number in range(200, 300))
HAKO = str(Path(sys.executable).with_name("hako"))
PROMPTS = Path(__file__).parents[2] / "build" / "bench" / "prompts"
READY_SECONDS = 90.0
"""The first start makes prompts."""


def secret(extension: str) -> str:
    """SIP password of an extension."""
    return f"Kettle-Basalt-{int(extension) * 7919:x}"


def site_file(record: str) -> str:
    """One trunk, so that a call goes from it through the box and out to it again; extensions that register."""
    parts = [
        f'[site]\nname = "Bench"\nlanguage = "en"\ntimezone = "Asia/Tokyo"\ncountry = "JP"\nrecord = "{record}"\n',
        f'[[users]]\nname = "admin"\npassword = "{PASSWORD}"\nrole = "admin"\n',
        f'[[trunks]]\nid = "carrier"\nhost = "{HOST}"\nport = {CARRIER}\nregister = false\nchannels = 1000\n'
        f'caller_id = "0312345678"\nnumbers = {{ "{NUMBER}" = "number:{OUTSIDE}" }}\ndefault = "hangup"\n',
        # Out to the same place by a trunk of its own: one has at most 1,000 channels.
        f'[[trunks]]\nid = "out"\nhost = "{HOST}"\nport = {CARRIER}\nregister = false\nchannels = 1000\n'
        'caller_id = "0312345678"\ndefault = "hangup"\n',
        '[[routes]]\npattern = "0XXXXXXXXX"\ntrunks = ["out"]\n',
    ]
    parts += [f'[[extensions]]\nnumber = "{one}"\nname = "{one}"\npassword = "{secret(one)}"\n' for one in EXTENSIONS]
    return "\n".join(parts)


class Box:
    """A running box."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self._site = folder / "site.toml"
        self._process: subprocess.Popen[str] | None = None
        self.hako = self.media = 0
        """Process ids."""

    @property
    def pids(self) -> tuple[int, int]:
        """The processes of a box; helpers that make prompts end by themselves and are not among them."""
        return self.hako, self.media

    def start(self, record: str = "never") -> None:
        """Starts it; raises RuntimeError with its last words when it does not get ready."""
        self._site.write_text(site_file(record))
        command = [HAKO, "serve", "--data", str(self.data), "--site", str(self._site)]
        command += ["--sip", f"{HOST}:{SIP}", "--web", f"{HOST}:{WEB}", "--rtp", f"{RTP_LOW}-{RTP_HIGH}"]
        with (self.folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        patience = threading.Timer(READY_SECONDS, self._process.kill)
        patience.start()
        line = self._process.stdout.readline()
        patience.cancel()
        if not line.startswith("ready"):
            raise RuntimeError(f"the box did not start: {(self.folder / 'log').read_text()[-500:]}")
        self.hako = self._process.pid
        self.media = next(pid for pid in meter.children(self.hako) if b"media.engine.process" in _command(pid))

    def record(self, what: str) -> None:
        """Applies the site with another rule for recording."""
        self._site.write_text(site_file(what))
        command = [HAKO, "apply", str(self._site), "--data", str(self.data)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def figures(self) -> Figures:
        """What the engine counted of its ticks, at most five seconds ago."""
        with urllib.request.urlopen(f"http://{HOST}:{WEB}/metrics", timeout=10) as page:
            lines = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if line[:1] != "#")
        ticks, late, lost = (int(lines[f"hako_media_ticks{kind}_total"]) for kind in ("", "_late", "_lost"))
        return Figures(ticks=ticks, late_ticks=late, lost_ticks=lost)

    def wait_helpers(self, seconds: float = 60.0) -> None:
        """Until the helper that makes prompts has nothing left to do."""
        end, used = time.monotonic() + seconds, -1.0
        while time.monotonic() < end:
            helpers = set(meter.children(self.hako)) - {self.media}
            now = meter.cpu(helpers).total
            if now == used:
                return
            used = now
            time.sleep(1.5)

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextlib.contextmanager
def running_box() -> Iterator[Box]:
    """A box that has its prompts, so that nothing of their making is left in it."""
    folder = Path(tempfile.mkdtemp(prefix="hako-bench-"))
    box = Box(folder)
    try:
        _with_prompts(box)
        box.start()
        yield box
    finally:
        box.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _with_prompts(box: Box) -> None:
    """Puts the prompts into the box's folder; made once by a box of their own and kept for the next time."""
    prompts = box.data / "prompts"
    if PROMPTS.exists():
        shutil.copytree(PROMPTS, prompts)
        box.data.chmod(0o700)
        return
    box.start()
    box.wait_helpers()
    box.stop()
    shutil.copytree(prompts, PROMPTS)
    for path in box.data.iterdir():
        if path != prompts:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def pages(box: Box, per_second: float) -> Iterator[None]:
    """Meanwhile another process asks for pages, lists, searches and figures, so many a second."""
    command = [sys.executable, "-m", "tests.bench.pages", f"http://{HOST}:{WEB}", PASSWORD, str(per_second)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.terminate()
        said = process.stdout.read()
        process.wait()
    served = json.loads(said.splitlines()[-1])
    if served["failed"] or not served["served"]:
        raise RuntimeError(f"the pages were not served: {served}")
