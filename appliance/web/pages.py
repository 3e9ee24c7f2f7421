"""The built pages: from memory, compressed once; hashed assets are cached for good, every other path is index.html."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from aiohttp import web

from appliance.web.problem import Problem
from appliance.web.threads import InThread

MAX_FILE = 8 * 1024 * 1024
"""Largest file that is served."""
MAX_MEMORY = 16 * 1024 * 1024
"""Bytes of files kept in memory, compressed copies included."""

_HASHED = re.compile(r"^assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
_TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")
_FILES = frozenset(
    {
        *(".css", ".gif", ".html", ".ico", ".jpeg", ".jpg", ".js", ".json", ".map", ".mjs", ".mp3", ".png", ".svg"),
        *(".ttf", ".txt", ".wav", ".webmanifest", ".webp", ".woff2"),
    }
)
"""Ends of names that are files and never a view of the application, whose paths may hold ids with dots."""
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".webmanifest": _TEXT[-1]}

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Hako</title>
<h1>Hako</h1>
<p>The box is running, but its pages have not been built. Run <code>make setup</code> and reload.</p>
<p lang="ja">本体は動いていますが、画面がまだ作られていません。<br>
<code>make setup</code> を実行して再読み込みしてください。</p>
<p><a href="/api/v1/openapi.json">API</a> · <a href="/healthz">healthz</a></p>
</html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    stamp: tuple[int, int]
    """Time of change and size of the file it was read from."""
    body: bytes
    packed: bytes | None
    """Compressed; None where that gains nothing."""
    etag: str
    media: str

    @property
    def weight(self) -> int:
        return len(self.body) + len(self.packed or b"")


class Pages:
    def __init__(self, root: Path, in_thread: InThread) -> None:
        self._root, self._in_thread = root, in_thread
        self._assets: dict[str, Asset] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A file of the pages; index.html where the path names a view of the application."""
        name = _clean(request.path)
        if name is None:
            raise Problem(404, "not_found", "There is no such file.")
        asset = await self._in_thread(partial(self._load, name)) if name else None
        if asset is None:
            if name.startswith("assets/") or PurePosixPath(name).suffix in _FILES:
                raise Problem(404, "not_found", "There is no such file.")
            name = "index.html"
            asset = await self._in_thread(partial(self._load, name))
        if asset is None:
            return web.Response(status=503, text=_NOT_BUILT, content_type="text/html")
        return _answer(request, name, asset)

    def _load(self, name: str) -> Asset | None:
        """The file, read again when it has changed (in a thread)."""
        path = self._root / name
        try:
            if not path.resolve().is_relative_to(self._root.resolve()) or not path.is_file():
                return None
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            held = self._assets.get(name)
            if held is not None and held.stamp == stamp:
                return held
            if status.st_size > MAX_FILE:
                return None
            body = path.read_bytes()
        except (OSError, ValueError):
            return None
        asset = _asset(name, stamp, body)
        if sum(other.weight for other in self._assets.values()) + asset.weight > MAX_MEMORY:
            self._assets.clear()
        self._assets[name] = asset
        return asset


def _asset(name: str, stamp: tuple[int, int], body: bytes) -> Asset:
    media = _TYPES.get(PurePosixPath(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, 9, mtime=0) if media.startswith(_TEXT) and len(body) > 512 else None
    return Asset(stamp, body, packed, hashlib.sha256(body).hexdigest()[:24], media)


def _answer(request: web.Request, name: str, asset: Asset) -> web.Response:
    pack = asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", "").lower()
    body = asset.packed if pack and asset.packed is not None else asset.body
    hashed = _HASHED.match(name) is not None
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        "ETag": f'"{asset.etag}{"-gz" if pack else ""}"',
        "Vary": "Accept-Encoding",
    }
    given = request.headers.get("If-None-Match", "")
    if any(tag.strip().removeprefix("W/") in (headers["ETag"], "*") for tag in given.split(",")):
        return web.Response(status=304, headers=headers)
    if pack:
        headers["Content-Encoding"] = "gzip"
    charset = "utf-8" if asset.media.startswith(_TEXT) else None
    return web.Response(body=body, headers=headers, content_type=asset.media, charset=charset)


def _clean(path: str) -> str | None:
    """The file's name below the pages; "" for the root, None for what can be no file of ours."""
    parts = [part for part in path.split("/") if part]
    if any(part.startswith(".") or "\\" in part or "\x00" in part for part in parts) or len(path) > 500:
        return None
    return "/".join(parts)
