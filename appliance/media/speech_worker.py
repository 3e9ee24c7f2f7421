"""The helper process that makes sound files: `python -m appliance.media.speech_worker`.

Speech, tones, music, conversions. Reads one JSON object a line from standard input, answers each with one line on
standard output, in order, and ends at the end of its input. It runs niced, so that calls never wait for it, and is
started only when there is something to make.

    {"id": 1, "kind": "speech", "path": P, "segments": [["ja", "…"], …], "keep": 0.1}    {"id": 1, "seconds": 2.4}
    {"id": 2, "kind": "tone", "path": P, "name": "busy", "country": "JP"}    {"id": 2, "error": "no-voice", "text": "…"}
    {"id": 3, "kind": "music", "path": P}
    {"id": 4, "kind": "chime", "path": P}
    {"id": 5, "kind": "convert", "path": P, "source": S}

Voices: Japanese is Open JTalk (package pyopenjtalk-plus) with the HTS voice "Mei" (MMDAgent Project, Nagoya Institute
of Technology, CC BY 3.0); English is espeak-ng, run as a program with the text on its standard input.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from array import array
from pathlib import Path
from typing import Any

from appliance.media import levels, tones, wav
from appliance.media.spoken import SpeechError

NICE = 15
_ESPEAK = ("espeak-ng", "-v", "en-us", "-s", "150", "-p", "45", "--stdout")
_GAP = 0.15
"""Seconds between two stretches of one prompt."""


def main() -> int:
    """Serves standard input until it ends."""
    os.nice(NICE)
    # What a synthesiser prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(serve(json.loads(line)), ensure_ascii=False) + "\n")
        answers.flush()
    return 0


def serve(job: dict[str, Any]) -> dict[str, Any]:
    """Carries out one job; whatever goes wrong becomes an answer."""
    try:
        seconds = wav.write_mono(Path(job["path"]), _samples(job))
    except SpeechError as error:
        return {"id": job["id"], "error": error.code, "text": str(error)}
    except wav.WavError as error:
        return {"id": job["id"], "error": "unusable", "text": str(error)}
    except OSError as error:
        return {"id": job["id"], "error": "failed", "text": error.strerror or str(error)}
    except Exception as error:
        return {"id": job["id"], "error": "failed", "text": f"{type(error).__name__}: {error}"}
    return {"id": job["id"], "seconds": seconds}


def _samples(job: dict[str, Any]) -> array[float]:
    kind = job["kind"]
    if kind == "speech":
        return speak([(language, text) for language, text in job["segments"]], job.get("keep", 0.1))
    if kind == "tone":
        return tones.render(job["name"], job["country"])
    if kind == "music":
        from appliance.media import music

        return music.render()
    if kind == "chime":
        from appliance.media import chime

        return chime.render()
    if kind == "convert":
        return convert(Path(job["source"]))
    raise SpeechError("failed", f"unknown kind of job {kind!r}")


def speak(parts: list[tuple[str, str]], keep: float = 0.1) -> array[float]:
    """The stretches one after the other at telephone level, `keep` seconds of silence around. Raises SpeechError."""
    result = array("d")
    for language, text in parts:
        raw, rate = _japanese(text) if language == "ja" else _english(text)
        sound = levels.trim(levels.high_pass(levels.resample(raw, rate), 150), 0.0, _floor(raw))
        if result and sound:
            result.extend(array("d", bytes(8 * int(_GAP * wav.RATE))))
        result.extend(levels.to_speech_level(sound))
    if not result:
        raise SpeechError("empty", "the voice had nothing to say to this text")
    return levels.trim(result, keep)


def _floor(samples: array[float]) -> float:
    """What counts as silence before the level is known: 45 dB under the highest peak."""
    return max(max(samples), -min(samples)) * 10 ** (-45 / 20) if samples else 0.0


def convert(source: Path) -> array[float]:
    """A sound file of the site as the box plays it. Raises WavError, OSError."""
    samples, rate = wav.read_mono(source)
    sound = levels.high_pass(levels.resample(samples, rate), 60)
    if levels.active_level(sound) < -70:
        raise wav.WavError("it holds silence only")
    return levels.to_speech_level(sound)


def _japanese(text: str) -> tuple[array[float], int]:
    try:
        import pyopenjtalk
    except Exception as error:  # a half-installed package fails in many ways
        raise SpeechError("no-voice", f"Japanese speech (pyopenjtalk-plus) is not installed: {error}") from None
    samples, rate = pyopenjtalk.tts(text, use_vanilla=True)
    # Its samples are scaled to 16 bits and go beyond.
    return array("d", (samples / 32768).tobytes()), int(rate)


def _english(text: str) -> tuple[array[float], int]:
    program = shutil.which(_ESPEAK[0])
    if program is None:
        raise SpeechError("no-voice", "English speech (espeak-ng) is not installed")
    # "[[" would begin phoneme codes, not text.
    spoken = text.replace("[[", " ").replace("]]", " ")
    try:
        done = subprocess.run(
            [program, *_ESPEAK[1:]], input=spoken.encode(), capture_output=True, timeout=30, check=False
        )
    except subprocess.TimeoutExpired:
        raise SpeechError("failed", "espeak-ng did not end") from None
    if done.returncode or len(done.stdout) < 100:
        reason = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise SpeechError("failed", f"espeak-ng failed: {reason}")
    with tempfile.TemporaryDirectory(prefix="hako-speech-") as folder:
        spool = Path(folder) / "speech.wav"
        spool.write_bytes(done.stdout)
        return wav.read_mono(spool)


if __name__ == "__main__":
    sys.exit(main())
