"""The pages by HTTPS: the port, and a certificate that follows the machine's addresses and the calendar."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from appliance.app.faults import Faults
from appliance.box.certificate import Folder, Issued, must_renew, wanted_names
from appliance.errors import reason
from appliance.events.base import Words
from appliance.options import Address
from appliance.web.secure import SecureListener, server_context

log = logging.getLogger("hako.https")

HELPER_SECONDS = 60.0
PORT_FAULT, CERTIFICATE_FAULT = "https-port", "https-certificate"


class CertificateError(OSError):
    """There is no certificate to be had; the message says why, `ja` in Japanese."""

    def __init__(self, message: str, ja: str = "") -> None:
        super().__init__(message)
        self.ja = ja


class Https:
    """HTTPS of one box. Nothing that goes wrong here stops anything: it is a fault, and tried again every minute."""

    def __init__(self, data: Path, address: Address | None, faults: Faults, wall: Callable[[], float]) -> None:
        """`address` None: off."""
        self.folder = Folder(data)
        self._address, self._faults, self._wall = address, faults, wall
        self._runner: web.AppRunner | None = None
        self._listener: SecureListener | None = None
        self._loaded: object = None
        """What the present certificate was read from."""
        self._own_issued: Issued | None = None
        self._own_stamp: object = None
        self._looking = asyncio.Lock()
        self._soon: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """0 while it is not served."""
        listener = self._listener
        return listener.port if listener is not None and listener.context is not None else 0

    @property
    def host(self) -> str:
        """Where it is bound."""
        return self._address.host if self._address is not None else ""

    async def start(self, runner: web.AppRunner) -> None:
        """Serves the runner's pages too, now or as soon as that becomes possible."""
        self._runner = runner
        await self.look()

    async def close(self) -> None:
        """Gives the port back."""
        if self._soon is not None:
            self._soon.cancel()
            await asyncio.gather(self._soon, return_exceptions=True)
        async with self._looking:
            self._address = None
            if self._listener is not None:
                await self._listener.close()
                self._listener = None

    def look_soon(self) -> None:
        """`look`, without waiting for it: every minute, and when addresses changed."""
        if self._soon is None or self._soon.done():
            self._soon = asyncio.get_running_loop().create_task(self.look())

    async def look(self) -> None:
        """Makes port and certificate what they should be now."""
        async with self._looking:
            if self._address is None or self._runner is None or not self._take_port(self._runner, self._address):
                return
            assert self._listener is not None
            try:
                context = await self._context()
            except OSError as error:
                self._no_certificate(error)
                return
            if context is not None:
                self._listener.start(context)

    def _take_port(self, runner: web.AppRunner, address: Address) -> bool:
        if self._listener is None:
            try:
                self._listener = SecureListener(runner, address.host, address.port)
            except OSError as error:
                text = {
                    "ja": f"HTTPS のポート {address.port} を使えません（{reason(error, 'ja')}）。",
                    "en": f"The pages are not served by HTTPS: port {address.port} cannot be used "
                    f"({reason(error, 'en')}).",
                }
                remedy = {
                    "ja": "このポートを使う別のプログラムを終了するか、`--https` で別のポートを指定してください。",
                    "en": "End the program that has the port, or choose another with `--https`.",
                }
                self._faults.raise_(PORT_FAULT, text, remedy)
                return False
            self._faults.clear(PORT_FAULT)
        return True

    def _no_certificate(self, error: OSError) -> None:
        text = {
            "ja": f"HTTPS の証明書を作れません（{reason(error, 'ja')}）。",
            "en": f"There is no certificate for HTTPS: {reason(error, 'en')}",
        }
        remedy = {
            "ja": "`make setup` をもう一度実行し、データフォルダーの空きを確認してください。",
            "en": "Run `make setup` again, and look whether the data folder has room.",
        }
        self._faults.raise_(CERTIFICATE_FAULT, text, remedy)

    # --- certificates ------------------------------------------------------------------------------------------------
    async def _context(self) -> ssl.SSLContext | None:
        """The context to serve with from now on; None: the present one stays. Raises OSError."""
        folder = self.folder
        own = folder.own.is_file()
        if own:
            try:
                return await self._own()
            except OSError as error:
                self._own_refused(error)
        wall, wanted = self._wall(), await asyncio.to_thread(wanted_names)
        if must_renew(await asyncio.to_thread(folder.issued), wanted, wall):
            await self._make(wall, wanted)
        try:
            context = await self._load(folder.box, folder.box_key)
        except OSError:
            # A power cut may have come between certificate and key.
            await self._make(wall, wanted)
            context = await self._load(folder.box, folder.box_key)
        if not own:
            self._faults.clear(CERTIFICATE_FAULT)
        return context

    async def _make(self, wall: float, wanted: tuple[str, ...]) -> None:
        issued = await _helper("make", str(self.folder.path.parent), repr(wall), *wanted)
        log.info("made a certificate for %s", ", ".join(issued.names))

    async def _own(self) -> ssl.SSLContext | None:
        """The context of the site's own certificate; None when it is the present one. Raises OSError."""
        folder = self.folder
        stamp = _stamp(folder.own, folder.own_key)
        if stamp != self._own_stamp:
            self._own_issued, self._own_stamp = await _helper("look", str(folder.own)), stamp
        issued = self._own_issued
        if issued is None or not issued.begins <= self._wall() < issued.ends:
            raise CertificateError("its time is over, or has not begun", "有効期間外です")
        context = await self._load(folder.own, folder.own_key)
        self._faults.clear(CERTIFICATE_FAULT)
        return context

    def _own_refused(self, error: OSError) -> None:
        text: Words = {
            "ja": f"tls/server.crt の証明書を使えません（{reason(error, 'ja')}）。本体の証明書を使います。",
            "en": f"The certificate in tls/server.crt cannot be used ({reason(error, 'en')}); the box's own is used.",
        }
        remedy = {
            "ja": "有効な証明書と、パスフレーズのない鍵 tls/server.key を置いてください。",
            "en": "Put a valid certificate there, and its key without a pass phrase as tls/server.key.",
        }
        self._faults.raise_(CERTIFICATE_FAULT, text, remedy)

    async def _load(self, certificate: Path, key: Path) -> ssl.SSLContext | None:
        """The context of these files; None when it is the present one. Raises OSError."""
        stamp = _stamp(certificate, key)
        if stamp == self._loaded:
            return None
        context = await asyncio.to_thread(server_context, certificate, key)
        self._loaded = stamp
        return context


def _stamp(*files: Path) -> tuple[tuple[str, int], ...]:
    return tuple((str(file), os.stat(file).st_mtime_ns) for file in files)


async def _helper(*arguments: str) -> Issued:
    """Runs the authority's program. Raises CertificateError."""
    command = [sys.executable, "-m", "appliance.box.authority", *arguments]

    def run() -> Issued:
        try:
            done = subprocess.run(command, capture_output=True, timeout=HELPER_SECONDS, check=False)
            if done.returncode == 0:
                return msgspec.json.decode(done.stdout, type=Issued)
        except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
            raise CertificateError(str(error)) from None
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CertificateError(lines[-1] if lines else f"the helper ended with {done.returncode}")

    return await asyncio.to_thread(run)
