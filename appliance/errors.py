"""The roots of every error that Hako raises on purpose."""

from __future__ import annotations

import errno
from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at bytes that are no message: text that is no UTF-8, and what is nested a thousand deep, in their
own way."""

_REASONS: Final[dict[int, str]] = {
    errno.ENOENT: "ファイルまたはフォルダーがありません",
    errno.EACCES: "アクセスが許可されていません",
    errno.EPERM: "操作が許可されていません",
    errno.EEXIST: "すでにあります",
    errno.ENOTDIR: "フォルダーではありません",
    errno.EISDIR: "フォルダーです",
    errno.ENOTEMPTY: "フォルダーが空ではありません",
    errno.ENOSPC: "空き容量がありません",
    errno.EDQUOT: "容量の割り当てを超えました",
    errno.EFBIG: "ファイルが大きすぎます",
    errno.EROFS: "書き込みが禁止されたディスクです",
    errno.EIO: "ディスクの読み書きに失敗しました",
    errno.ENODEV: "装置がありません",
    errno.ENXIO: "装置がありません",
    errno.EBUSY: "ほかで使用中です",
    errno.EMFILE: "開いているファイルが多すぎます",
    errno.ENFILE: "開いているファイルが多すぎます",
    errno.ENOMEM: "メモリーが足りません",
    errno.ENAMETOOLONG: "名前が長すぎます",
    errno.ELOOP: "リンクが循環しています",
    errno.EADDRINUSE: "ほかのプログラムが使用中です",
    errno.EADDRNOTAVAIL: "この本体のアドレスではありません",
    errno.EAFNOSUPPORT: "この本体では使えない種類のアドレスです",
    errno.ECONNREFUSED: "接続を拒否されました",
    errno.ECONNRESET: "接続が切れました",
    errno.EPIPE: "接続が切れました",
    errno.ETIMEDOUT: "応答がありません",
    errno.EHOSTUNREACH: "相手に到達できません",
    errno.ENETUNREACH: "ネットワークに到達できません",
    errno.ENETDOWN: "ネットワークが使えません",
}
"""What the system's errors that a person may meet are called in Japanese."""


_SQLITE: Final[dict[str, str]] = {
    "database or disk is full": "空き容量がありません",
    "disk I/O error": "ディスクの読み書きに失敗しました",
    "attempt to write a readonly database": "書き込みが禁止されています",
    "unable to open database file": "ファイルを開けません",
    "database is locked": "ほかのプログラムが使用中です",
    "database disk image is malformed": "ファイルが壊れています",
    "file is not a database": "データベースのファイルではありません",
}
"""The same for the database's."""


def reason(error: Exception, language: str) -> str:
    """Why something could not be done, in "ja" or "en", to stand within a sentence. The system's own words where there
    are no others."""
    if language == "ja":
        known: str = getattr(error, "ja", "") or _SQLITE.get(str(error), "")
        if known:
            return known
        if isinstance(error, OSError) and error.errno in _REASONS:
            return _REASONS[error.errno]
    return (error.strerror if isinstance(error, OSError) else "") or str(error)


class HakoError(Exception):
    """Root of the errors that a caller may handle. `ja`: the message in Japanese, where a person may meet it."""

    def __init__(self, message: str = "", ja: str = "") -> None:
        super().__init__(message)
        self.ja = ja

    def said(self, language: str) -> str:
        """The message in "ja" or "en", in English where there is no other."""
        return (self.ja if language == "ja" else "") or str(self)


class RemoteProtocolError(HakoError):
    """A remote party's mistake. `status` is the SIP status to answer with (400 where nothing better is known)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class UndefinedTransition(HakoError):
    """A state table has no row for (state, input): a bug of ours, contained to the call it happened in."""

    def __init__(self, machine: str, state: object, event: object) -> None:
        super().__init__(f"{machine}: {event} is not defined in state {state}")
        self.machine, self.state, self.event = machine, state, event


class ConfigError(HakoError):
    """A configuration that cannot be used. Holds every problem found, not the first."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class CommandError(HakoError):
    """A command of a person or program that cannot be carried out now; `code` is a stable word for programs."""

    def __init__(self, code: str, message: str, field: str | None = None, ja: str = "") -> None:
        super().__init__(message, ja)
        self.code, self.field = code, field
