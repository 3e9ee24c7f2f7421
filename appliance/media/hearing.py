"""What the media engine can hear on this machine, told without loading anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.media.speech import Off

FOLDERS = ("/usr/lib", "/lib", "/usr/local/lib", "/usr/lib64")
_SPANDSP = "libspandsp.so.2"

KEYS_OFF = Off(
    "inband-keys",
    {
        "en": "Keys that come as tones in the audio (in-band DTMF) are not heard: lines without telephone-event cannot "
        "operate menus.",
        "ja": "音声の中のプッシュ音(インバンド DTMF)を聞き取れません。"
        "telephone-event のない回線ではメニューを操作できません。",
    },
    {"en": "Run `apt-get install libspandsp2`.", "ja": "`apt-get install libspandsp2` を実行してください。"},
)


def hearing_off(folders: Iterable[str] = FOLDERS) -> tuple[Off, ...]:
    """What is off for want of a library: `detect_keys.c` loads spandsp when it is first needed."""
    for folder in map(Path, folders):
        if (folder / _SPANDSP).exists() or any(folder.glob(f"*-linux-*/{_SPANDSP}")):
            return ()
    return (KEYS_OFF,)
