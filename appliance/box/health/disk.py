"""Room on the disk that holds the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.box.health.finding import Finding, size
from appliance.errors import reason

WARN = 1_000_000_000
"""Bytes free under which the administrator is told; some 9 hours of one recorded call."""
FULL = 100_000_000
"""Bytes free under which recordings are about to stop."""


def check(folder: Path) -> Finding:
    """Looks at the file system of `folder`."""
    try:
        state = os.statvfs(folder)
    except OSError as error:
        return Finding(
            id="disk",
            severity="fault",
            text={
                "ja": f"データフォルダー {folder} を読めません（{reason(error, 'ja')}）。",
                "en": f"The data folder {folder} cannot be read: {error.strerror}.",
            },
            remedy={
                "ja": "ディスクの接続と権限を確認してください。",
                "en": "Check that the disk is attached and that Hako may use the folder.",
            },
        )
    free = state.f_bavail * state.f_frsize
    no_inodes = bool(state.f_files) and state.f_favail < 1000
    read_only = bool(state.f_flag & os.ST_RDONLY)
    return judge(free, state.f_blocks * state.f_frsize, read_only=read_only, no_inodes=no_inodes)


def judge(free: int, total: int, read_only: bool = False, no_inodes: bool = False) -> Finding:
    """What `free` bytes of `total` mean. A disk smaller than 10 GB warns at a tenth of its size."""
    if read_only:
        return Finding(
            id="disk",
            severity="fault",
            text={
                "ja": "ディスクが書き込み禁止になっています。記録と録音は保存されません。",
                "en": "The disk is read-only: records and recordings are not kept.",
            },
            remedy={
                "ja": "電源を入れ直してください。直らなければSDカードを交換してください。",
                "en": "Restart the box; if it stays so, replace the SD card.",
            },
        )
    if free < FULL or no_inodes:
        return Finding(
            id="disk",
            severity="fault",
            text={
                "ja": f"ディスクの空きがありません（残り {size(free)}）。録音は止まります。通話は続けられます。",
                "en": f"The disk is full ({size(free)} left): recording stops, calls go on.",
            },
            remedy={
                "ja": "古い録音を消すか、より大きなディスクに替えてください。",
                "en": "Delete old recordings or use a larger disk.",
            },
        )
    words = {"ja": f"ディスクの空きは {size(free)} です。", "en": f"{size(free)} of the disk are free."}
    if free < min(WARN, total // 10):
        # Said in time: nothing is ever deleted to make room.
        return Finding(
            id="disk",
            severity="fault",
            text={
                "ja": f"ディスクがもうすぐいっぱいになります（残り {size(free)}）。自動では何も消しません。",
                "en": f"The disk is nearly full ({size(free)} left). Nothing is deleted to make room.",
            },
            remedy={
                "ja": "keep_recordings_days を設定するか、古い録音を消すか、より大きなディスクに替えてください。",
                "en": "Set keep_recordings_days, delete old recordings or use a larger disk.",
            },
        )
    return Finding(id="disk", severity="ok", text=words)
