"""The helper process: real speech in both languages, and every way it can fail."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.media import levels, speech_worker
from appliance.media.speech import SpeechHelper, voices_off
from appliance.media.spoken import SpeechError
from tests.unit.media.sound import load, peak_db, sine

FAKE = """
import json, sys, os, time
for line in sys.stdin:
    job = json.loads(line)
    if job["kind"] == "crash": os._exit(7)
    if job["kind"] == "hang": time.sleep(60)
    if job["kind"] == "babble": print("not json", flush=True); continue
    print(json.dumps({"id": job["id"], "seconds": 1.5, "error" if job["kind"] == "fail" else "x": "failed",
                      "text": "no room"}), flush=True)
"""


def fake(**kwargs: float) -> SpeechHelper:
    return SpeechHelper(command=(sys.executable, "-c", FAKE), **kwargs)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (a process of its own has no event)
            await asyncio.sleep(0.01)


def speech(language: str, text: str, path: Path) -> dict[str, Any]:
    return {"kind": "speech", "segments": [[language, text]], "path": str(path)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ja", "お電話ありがとうございます。サポートは、いちを押してください。"),
        ("en", "Thank you for calling. For support, press one."),
    ],
)
async def test_real_speech_has_telephone_level(tmp_path: Path, language: str, text: str) -> None:
    helper, path = SpeechHelper(), tmp_path / "a.wav"
    try:
        seconds = await helper.make(speech(language, text, path))
        assert helper.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, helper.pid) >= speech_worker.NICE
    finally:
        await helper.close()
    sound = load(path)
    assert seconds == len(sound) / 8000
    assert 2 < seconds < 8
    assert levels.active_level(sound) == pytest.approx(-20, abs=0.5)
    assert peak_db(sound) < -3
    for end in (sound[:720], sound[-720:]):
        assert peak_db(end) < -30
    assert peak_db(sound[:1600]) > -30
    assert peak_db(sound[-1600:]) > -35


def test_both_languages_in_one_prompt() -> None:
    both = speech_worker.speak([("ja", "はい。"), ("en", "Yes.")])
    alone = speech_worker.speak([("en", "Yes.")])
    assert len(both) > len(alone) + 2000


async def test_no_job_can_end_the_worker(tmp_path: Path) -> None:
    helper, path = SpeechHelper(), tmp_path / "a.wav"
    (tmp_path / "song.wav").write_bytes(b"ID3 not a wav file")
    bad: list[tuple[dict[str, Any], str]] = [
        (speech("ja", "　", path), "empty"),
        ({"kind": "convert", "source": str(tmp_path / "song.wav"), "path": str(path)}, "unusable"),
        ({"kind": "convert", "source": str(tmp_path / "none.wav"), "path": str(path)}, "failed"),
        ({"kind": "opera", "path": str(path)}, "failed"),
        ({"kind": "tone", "name": "whistle", "country": "JP", "path": str(path)}, "failed"),
        ({"kind": "tone", "name": "busy", "country": "JP", "path": "/proc/none/a.wav"}, "failed"),
    ]
    try:
        for job, code in bad:
            with pytest.raises(SpeechError) as caught:
                await helper.make(job)
            assert caught.value.code == code
        pid = helper.pid
        assert await helper.make({"kind": "tone", "name": "busy", "country": "JP", "path": str(path)}) == 1.0
        assert helper.pid == pid
    finally:
        await helper.close()


def test_a_missing_voice_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)
    for language in ("ja", "en"):
        answer = speech_worker.serve({**speech(language, "a", tmp_path / "a.wav"), "id": 1})
        assert answer["error"] == "no-voice"
    assert not (tmp_path / "a.wav").exists()


def test_missing_packages_are_found_without_speaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert voices_off() == ()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert [off.id for off in voices_off()] == ["speech-ja", "speech-en"]


def test_text_reaches_espeak_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f'#!/bin/sh\ncat >"{tmp_path}/heard"\necho "$@" >"{tmp_path}/told"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SpeechError, match="espeak-ng failed"):
        speech_worker.speak([("en", "--help; $(reboot) [[h@]] <speak>")])
    assert (tmp_path / "heard").read_text() == "--help; $(reboot)  h@  <speak>"
    assert "reboot" not in (tmp_path / "told").read_text()


def test_a_quiet_recording_is_brought_to_level(tmp_path: Path) -> None:
    from appliance.media import wav

    source = tmp_path / "a.wav"
    wav.write_mono(source, sine(800, 1.0, 0.01))
    assert levels.active_level(speech_worker.convert(source)) == pytest.approx(-20, abs=0.3)
    wav.write_mono(source, sine(800, 1.0, 0.0))
    with pytest.raises(wav.WavError, match="silence"):
        speech_worker.convert(source)


async def test_a_crash_fails_one_job_only() -> None:
    helper = fake()
    try:
        with pytest.raises(SpeechError, match="status 7"):
            await helper.make({"kind": "crash"})
        assert await helper.make({"kind": "good"}) == 1.5
    finally:
        await helper.close()


async def test_a_hang_is_given_up() -> None:
    helper = fake(job_seconds=0.5)
    try:
        with pytest.raises(SpeechError, match="gave up"):
            await helper.make({"kind": "hang"})
        assert helper.pid is None
    finally:
        await helper.close()


async def test_errors_and_nonsense_are_speech_errors() -> None:
    helper = fake()
    try:
        with pytest.raises(SpeechError, match="no room"):
            await helper.make({"kind": "fail"})
        with pytest.raises(SpeechError, match="helper failed"):
            await helper.make({"kind": "babble"})
        with pytest.raises(SpeechError, match="helper failed"):
            await SpeechHelper(command=("/no/such/program",)).make({"kind": "good"})
    finally:
        await helper.close()


async def test_a_cancelled_job_leaves_no_answer_to_the_next() -> None:
    helper = fake()
    try:
        task = asyncio.create_task(helper.make({"kind": "hang"}))
        await until(lambda: helper.pid is not None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await helper.make({"kind": "good"}) == 1.5
    finally:
        await helper.close()


async def test_ends_when_idle_and_starts_again() -> None:
    helper = fake(idle_seconds=0.05)
    try:
        await helper.make({"kind": "good"})
        first = helper.pid
        await until(lambda: helper.pid is None)
        await helper.make({"kind": "good"})
        assert helper.pid not in (None, first)
    finally:
        await helper.close()


async def test_jobs_of_several_callers_do_not_mix() -> None:
    helper = fake()
    try:
        assert await asyncio.gather(*(helper.make({"kind": "good"}) for _ in range(20))) == [1.5] * 20
    finally:
        await helper.close()
    assert helper.pid is None
