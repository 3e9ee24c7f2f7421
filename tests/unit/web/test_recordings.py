"""Recordings: ranges, correct audio while it grows, the waveform, whose they are."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.media.archive_worker import archive
from appliance.store.records import Recording, Segment
from appliance.web.api.recordings import file_name
from appliance.web.audio import parse_range
from appliance.web.problem import Problem
from tests.unit.media.test_archive import recording
from tests.unit.web.fakebox import NOW, FakeBox, record_view
from tests.unit.web.helpers import API, Client, bearer, error, wav

ADMIN = bearer("admin")
AUDIO = f"{API}/recordings/r1/audio"


def keep(box: FakeBox, content: bytes, name: str = "r1", *, complete: bool = True, agent: str = "aiko") -> Path:
    path = box.context.recordings / "2026/11/21" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    view = Recording(
        id=name, call="c1", started=NOW, complete=complete, segments=(Segment(offset=0.0, leg="c1.2", agent=agent),)
    )
    box.records.sounds[name] = (view, f"2026/11/21/{name}.wav")
    box.records.rows = [record_view("c1", agent=agent, recording=name)]
    return path


FRAMES = [(i % 3000, -(i % 2000)) for i in range(8000)]


async def test_the_whole_and_what_is_said_of_it(client: Client, box: FakeBox) -> None:
    keep(box, wav(FRAMES))
    view = await (await client.get(f"{API}/recordings/r1", headers=ADMIN)).json()
    assert view["call"] == "c1" and view["segments"][0]["agent"] == "aiko"
    response = await client.get(AUDIO, headers=ADMIN)
    assert response.status == 200 and response.content_type == "audio/wav"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert await response.read() == wav(FRAMES)
    head = await client.head(AUDIO, headers=ADMIN)
    assert head.content_length == len(wav(FRAMES)) and await head.read() == b""
    cached = await client.get(AUDIO, headers=ADMIN | {"If-None-Match": response.headers["ETag"]})
    assert cached.status == 304


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-43", 0, 43), ("bytes=10-99", 10, 99), ("bytes=31000-", 31000, 32043), ("bytes=-100", 31944, 32043),
     ("bytes=40-99999999", 40, 32043), ("bytes=0-0", 0, 0)],
)  # fmt: skip
async def test_ranges(client: Client, box: FakeBox, header: str, first: int, last: int) -> None:
    keep(box, wav(FRAMES))
    response = await client.get(AUDIO, headers=ADMIN | {"Range": header})
    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/32044"
    assert await response.read() == wav(FRAMES)[first : last + 1]


async def test_ranges_that_cannot_be(client: Client, box: FakeBox) -> None:
    keep(box, wav(FRAMES))
    response = await client.get(AUDIO, headers=ADMIN | {"Range": "bytes=32044-"})
    await error(response, 416, "range_not_satisfiable")
    assert response.headers["Content-Range"] == "bytes */32044"
    for header in ("bytes=9-3", "lines=1-2", "bytes=a-b", "bytes=0-1,5-6", "bytes=-", "0-5"):
        response = await client.get(AUDIO, headers=ADMIN | {"Range": header})
        assert response.status == 200 and len(await response.read()) == 32044, header
    changed = await client.get(AUDIO, headers=ADMIN | {"Range": "bytes=0-9", "If-Range": '"older"'})
    assert changed.status == 200


@pytest.mark.parametrize("claims", [0, 4, 0xFFFFFFFF, 16000])
async def test_a_running_recording_is_a_correct_wav_of_what_there_is(client: Client, box: FakeBox, claims: int) -> None:
    path = keep(box, wav(FRAMES, claims=claims) + b"\x01\x02\x03", complete=False)
    body = await (await client.get(AUDIO, headers=ADMIN)).read()
    with wave.open(io.BytesIO(body)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, len(FRAMES))
        assert len(sound.readframes(10**6)) == len(FRAMES) * 4
    assert int.from_bytes(body[4:8], "little") == len(body) - 8
    with path.open("ab") as file:
        file.write(b"\x04" + bytes(4000))
    longer = await (await client.get(AUDIO, headers=ADMIN)).read()
    with wave.open(io.BytesIO(longer)) as sound:
        assert sound.getnframes() == len(FRAMES) + 1001


async def test_a_large_file_arrives_whole(client: Client, box: FakeBox) -> None:
    content = wav([]) + os.urandom(1_200_000)
    keep(box, content)
    assert (await (await client.get(AUDIO, headers=ADMIN)).read())[44:] == content[44:]


async def test_a_file_that_is_gone_or_no_audio(client: Client, box: FakeBox) -> None:
    path = keep(box, b"RIFF")
    await error(await client.get(AUDIO, headers=ADMIN), 404, "no_audio")
    await error(await client.get(f"{API}/recordings/r1/peaks", headers=ADMIN), 404, "no_audio")
    path.unlink()
    detail = await error(await client.get(AUDIO, headers=ADMIN), 404, "no_audio")
    assert str(path) not in detail["message"]
    await error(await client.get(f"{API}/recordings/r1/peaks", headers=ADMIN), 404, "no_audio")
    await error(await client.get(f"{API}/recordings/r9/audio", headers=ADMIN), 404, "not_found")


async def test_nothing_outside_the_recordings_folder_is_served(client: Client, box: FakeBox) -> None:
    keep(box, wav(FRAMES))
    outside = box.context.recordings.parent / "config.json"
    outside.write_bytes(wav(FRAMES))
    link = box.context.recordings / "link.wav"
    link.symlink_to(outside)
    for relative in ("../config.json", str(outside), "link.wav"):
        box.records.sounds["r1"] = (box.records.sounds["r1"][0], relative)
        await error(await client.get(AUDIO, headers=ADMIN), 404, "not_found")


async def test_an_agent_hears_only_his_own(client: Client, box: FakeBox) -> None:
    keep(box, wav(FRAMES), agent="aiko")
    assert (await client.get(AUDIO, headers=bearer("aiko"))).status == 200
    keep(box, wav(FRAMES), agent="ben")
    for path in ("", "/audio", "/peaks"):
        await error(await client.get(f"{API}/recordings/r1{path}", headers=bearer("aiko")), 404, "not_found")


async def test_the_waveform_is_measured_apart_and_kept(client: Client, box: FakeBox) -> None:
    keep(box, wav([(16384, 0)] * 4000 + [(0, -8192)] * 4000))
    for _ in range(2):
        view = await (await client.get(f"{API}/recordings/r1/peaks?points=10", headers=ADMIN)).json()
        assert view["peaks"] == [[0.5] * 5 + [0.0] * 5, [0.0] * 5 + [0.25] * 5]
        assert view["seconds"] == 1.0


@given(st.text(alphabet="bytes=-0123456789, ", max_size=24) | st.text(max_size=12), st.integers(44, 10**6))
def test_any_range_header_stays_within_the_file(header: str, size: int) -> None:
    try:
        first, last = parse_range(header, size)
    except Problem as problem:
        assert problem.status == 416
    else:
        assert 0 <= first <= last < size


async def test_opus_is_sent_as_what_it_is_in_ranges_and_with_its_waveform(client: Client, box: FakeBox) -> None:
    keep(box, b"")
    path = recording(box.context.recordings / "2026/11/21/r1.wav", 6.0)
    whole = path.read_bytes()
    played: list[str] = []
    box.context.played = played.append
    before = await (await client.get(f"{API}/recordings/r1/peaks?points=30", headers=ADMIN)).json()
    assert (await client.get(AUDIO, headers=ADMIN)).content_type == "audio/wav" and "r1" in played
    content = archive(path).read_bytes()
    assert (await (await client.get(AUDIO, headers=ADMIN)).read())[44:] == whole[44:], (
        "the WAV for as long as it is there"
    )
    path.unlink()
    response = await client.get(AUDIO, headers=ADMIN)
    assert response.headers["Content-Type"] == "audio/ogg; codecs=opus" and await response.read() == content
    assert 'filename="2026-11-21_1800_0398765432_0312345678.opus"' in response.headers["Content-Disposition"]
    part = await client.get(AUDIO, headers=ADMIN | {"Range": "bytes=100-199"})
    assert part.status == 206 and await part.read() == content[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    after = await (await client.get(f"{API}/recordings/r1/peaks?points=30", headers=ADMIN)).json()
    assert after["seconds"] == pytest.approx(before["seconds"], abs=0.02)
    for one, other in zip(before["peaks"], after["peaks"], strict=True):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one) < 0.02


@pytest.mark.parametrize(
    ("caller", "called", "name"),
    [
        ("+819012345678", "201", "2026-11-25_1503_+819012345678_201"),
        ("", "*43", "2026-11-25_1503_unknown_43"),
        ('a/../"\r\nb', "六00", "2026-11-25_1503_ab_00"),
    ],
)
def test_a_saved_recording_says_when_and_who(caller: str, called: str, name: str) -> None:
    view = Recording(id="1a2133110a1f62c5f-1", call="c1", started="2026-11-25T06:03:59.500Z")
    record = msgspec.structs.replace(record_view("c1"), from_=caller, to=called)
    assert file_name(view, record, "Asia/Tokyo") == name
    assert file_name(view, record, "Nowhere/Land") == name.replace("_1503_", "_0603_")
    assert file_name(view, None, "Asia/Tokyo") == "1a2133110a1f62c5f-1"


async def test_a_recording_without_a_record_is_saved_by_its_id(client: Client, box: FakeBox) -> None:
    keep(box, wav(FRAMES))
    box.records.rows = []
    response = await client.get(AUDIO, headers=ADMIN)
    assert response.headers["Content-Disposition"].endswith('filename="r1.wav"')
