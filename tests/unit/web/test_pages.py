"""The pages: caching, compression, the fallback to index.html, and nothing else of the disk."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path

import pytest

from tests.unit.web.fakebox import FakeBox
from tests.unit.web.helpers import Client, error

INDEX = "<!doctype html><title>Hako</title><script type=module src=/assets/index-BxY3kQ9z.js></script>" + " " * 600
SCRIPT = "console.log('hako');" * 100


@pytest.fixture
def pages(box: FakeBox) -> Path:
    root = box.context.pages
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text(INDEX)
    (root / "assets/index-BxY3kQ9z.js").write_text(SCRIPT)
    (root / "icon.svg").write_text("<svg/>")
    (root / ".secret").write_text("no")
    (root.parent / "outside.txt").write_text("no")
    (root / "leak.txt").symlink_to(root.parent / "outside.txt")
    return root


async def test_pages_not_built_is_said_in_both_languages(client: Client) -> None:
    response = await client.get("/")
    text = await response.text()
    assert response.status == 503 and response.content_type == "text/html"
    assert "have not been built" in text and "まだ作られていません" in text
    assert "<script" not in text and "<style" not in text


@pytest.mark.usefixtures("pages")
async def test_hashed_assets_are_kept_for_good_and_the_page_is_asked_for_again(client: Client) -> None:
    response = await client.get("/assets/index-BxY3kQ9z.js")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.content_type == "text/javascript" and await response.text() == SCRIPT
    page = await client.get("/")
    assert page.headers["Cache-Control"] == "no-cache" and page.content_type == "text/html"
    again = await client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status == 304 and await again.read() == b""
    assert again.headers["ETag"] == page.headers["ETag"]


@pytest.mark.usefixtures("pages")
async def test_text_is_compressed_for_who_can_read_it(client: Client) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip\r\nConnection: close\r\n\r\n")
    raw = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head and b"Vary: Accept-Encoding" in head
    assert gzip.decompress(body).decode() == INDEX
    plain = await client.get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and await plain.text() == INDEX


@pytest.mark.usefixtures("pages")
async def test_views_of_the_application_are_the_page(client: Client) -> None:
    for path in ("/", "/records", "/records/c1.2", "/live?queue=support", "/index.html", "/apiary"):
        assert await (await client.get(path)).text() == INDEX, path
    assert (await client.head("/records")).status == 200
    for path in ("/assets/gone-12345678.js", "/gone.png", "/.secret", "/assets/.hidden", "/x/../.secret", "/leak.txt"):
        await error(await client.get(path), 404, "not_found")
    await error(await client.post("/records"), 405, "method_not_allowed")


@pytest.mark.usefixtures("pages")
async def test_nothing_outside_is_served_however_it_is_asked_for(client: Client) -> None:
    for path in (
        "/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/assets/..%2f..%2foutside.txt",
        "/%2e%2e%5coutside.txt", "//etc/passwd", "/%00", "/" + "a" * 3000,
    ):  # fmt: skip
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        raw = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert raw.startswith((b"HTTP/1.1 404", b"HTTP/1.1 200", b"HTTP/1.1 400")), raw[:80]
        assert b"\r\n\r\nno" not in raw and b"root:" not in raw, path


async def test_pages_built_anew_are_served_anew(client: Client, pages: Path) -> None:
    first = await client.get("/")
    (pages / "index.html").write_text("new")
    os.utime(pages / "index.html", ns=(1, 1))
    second = await client.get("/")
    assert await second.text() == "new" and second.headers["ETag"] != first.headers["ETag"]
