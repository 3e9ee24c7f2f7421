"""What the `hako` command says, in Japanese and English; and in which of the two.

The box of a folder speaks the language of its site, before there is one that of the terminal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # --- apply, check, export
    "warning": ("注意", "warning"),
    "check-ok": ("{file}: 問題ありません", "{file}: ok"),
    "nothing-changed": ("何も変更していません", "nothing was changed"),
    "no-change": ("変更はありません。設定はすでにこのとおりです", "no change: the box is like this already"),
    "new-folder": (
        "{folder} は新しいフォルダーです。ここで起動する装置はこの設定で始まります",
        "{folder} is new: a box that starts there begins with this site",
    ),
    "config-lost": (
        "{why} `hako restore` でバックアップを戻すか、`hako apply` で設定ファイルを適用してください",
        "{why} Restore a backup with `hako restore`, or apply a site file with `hako apply`",
    ),
    # --- backup, restore, token
    "backed-up": ("{file}: {files} ファイル、{size}、{what}", "{file}: {files} files, {size}, {what}"),
    "with-recordings": ("録音を含む", "with recordings"),
    "without-recordings": ("録音を含まない", "without recordings"),
    "restored": (
        "{folder}: {made} のバックアップから {files} ファイル（{size}）を復元しました",
        "{folder}: restored {files} files, {size}, of the backup made at {made}",
    ),
    "kept-before": ("以前の内容は {folder} に残しました", "what was there before is kept under {folder}"),
    "revoked": ("トークン「{name}」を無効にしました", 'the token "{name}" is worthless from now on'),
    # --- reaching the box
    "no-answer": ("{folder} の装置が応答しません", "the box on {folder} does not answer"),
    "unreachable": (
        "{folder} の装置{who}に接続できません: {why}",
        "the box on {folder}{who} cannot be reached: {why}",
    ),
    "process": ("（プロセス {pid}）", " (process {pid})"),
    "hung-up": (
        "{folder} の装置が切断しました。起動が終わってからもう一度実行してください",
        "the box on {folder} hung up; try again once it has started",
    ),
    "no-data-folder": (
        "{folder} は装置のデータフォルダーではありません（{file} がありません）",
        "{folder} is not the data folder of a box (no {file} in it)",
    ),
    "bug": (
        "想定外のエラーです: {error}（HAKO_TRACEBACK=1 で詳細を表示）",
        "this should not happen: {error} (HAKO_TRACEBACK=1 shows where)",
    ),
    # --- run
    "ready": (
        "Hako の準備ができました。データは {data} にあります。",
        "Hako is ready. Its data is in {data}.",
    ),
    "ready-web": ("  Web 画面    {web}", "  web page    {web}"),
    "ready-https": (
        "  HTTPS       {https}（初回は {web}certificate）",
        "  by HTTPS    {https} (the first time: {web}certificate)",
    ),
    "ready-sip": ("  SIP サーバー {sip}", "  SIP server  {sip}"),
    "log-ins": (
        "最初のログイン情報（表示は一度だけ。あなただけが読める {file} にもあります）:",
        "First log-ins (shown once; also in {file}, which only you can read):",
    ),
    "log-ins-there": ("最初のログイン情報は {file} にあります。", "The first log-ins are in {file}."),
    "to-stop": ("Ctrl-C で停止します。", "Ctrl-C stops it."),
    # --- doctor
    "level-problem": ("問題", "problem"),
    "level-warning": ("注意", "warning"),
    "level-ok": ("正常", "ok"),
    "no-folder": ("データフォルダー {folder} がありません", "there is no data folder {folder}"),
    "give-folder": ("装置のデータフォルダーを --data で指定してください", "give the box's own with --data"),
    "folder-is-file": ("{folder} はファイルです", "{folder} is a file"),
    "stopped": ("装置は停止しています", "the box is stopped"),
    "start-once": (
        "`hako serve` で一度起動するか、ログを確認してください",
        "start the box once with `hako serve`, or look at its log",
    ),
    "unwritable": ("{folder} に書き込めません", "{folder} cannot be written"),
    "as-user": ("装置のユーザーで実行してください", "run as the box's user"),
    "readable": ("{folder} を他のユーザーが読めます", "{folder} can be read by other users"),
    "set-aside": (
        "{name} は壊れていたため別名で残してあります",
        "{name} was found damaged and set aside",
    ),
    "check-disk": ("ディスクまたは SD カードを確認してください", "check the disk or SD card"),
    "sound-card": ("音声: 出力 {outputs}、入力 {inputs}", "sound: loudspeakers {outputs}; line-in {inputs}"),
    "running": (
        "装置は動作しています（バージョン {version}、SIP {sip}）",
        "the box runs (version {version}, SIP {sip})",
    ),
    "refused": (
        "{address} からの要求を拒否しました（最近 {times} 回）: {method}、内線 {caller}: {why}",
        "{address} was refused (lately {times} times): {method} as {caller}: {why}",
    ),
    "check-credentials": (
        "自社の電話機なら、ユーザー名とパスワードを確認してください",
        "if it is a phone of yours, check its user name and password",
    ),
    "records-ok": ("通話記録は正常です", "the call records are sound"),
    "records-damaged": ("通話記録が壊れています（{why}）", "the call records are damaged ({why})"),
    "records-remedy": (
        "装置を起動すると、壊れたファイルを残して新しく始めます。バックアップを復元してください",
        "start the box: it keeps the file aside and begins a new one; restore a backup",
    ),
    "config-remedy": (
        "設定が正しいか確認し、違っていればバックアップから復元してください",
        "look whether the configuration is right; restore a backup if not",
    ),
    "config-problem": ("設定: {problem}", "configuration: {problem}"),
    "config-mend": (
        "hako export で書き出し、直して hako apply してください",
        "hako export, mend it, hako apply",
    ),
    "config-ok": ("設定は正常です", "the configuration is right"),
}
"""By name: Japanese, English. A name in braces is filled in."""


def _spoken() -> str:
    return os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""


def terminal_language() -> str:
    """The language of whoever sits at this terminal: "ja" or "en"."""
    return "ja" if _spoken().startswith("ja") else "en"


def first_language() -> str:
    """The language that a new site begins with: that of the machine, "ja" where it has none (a service, LANG=C)."""
    return "ja" if _spoken().partition(".")[0] in ("", "C", "POSIX") else terminal_language()


def language_of(data: Path | None) -> str:
    """The language of the site in this data folder, else the terminal's. Only reads, and never raises."""
    if data is not None:
        try:
            versions = json.loads((data / "config.json").read_bytes())["versions"]
            found = versions[max(versions, key=int)]["site"]["site"]["language"]
        except (OSError, ValueError, LookupError, TypeError):
            pass
        else:
            if found in ("ja", "en"):
                return str(found)
    return terminal_language()


class Speaker:
    """Says the texts in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, name: str, /, **fields: Any) -> str:
        """The text of this name, filled in."""
        ja, en = TEXTS[name]
        return (ja if self.language == "ja" else en).format(**fields)

    def problem(self, text: str) -> str:
        """What is wrong with a site file (`ConfigError.problems`)."""
        if self.language != "ja":
            return text
        from appliance.site.japanese import japanese

        return japanese(text)

    def of(self, words: Mapping[str, str]) -> str:
        """What something else has to say in both languages."""
        return words.get(self.language) or words.get("en", "")


def speaker(data: Path | None = None) -> Speaker:
    """For the box of this folder."""
    return Speaker(language_of(data))
