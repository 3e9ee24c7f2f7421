"""What is wrong with a site file, in Japanese: the sentences of this package, each with what stands for it.

A problem is made in English, `PATH: MESSAGE`, which is what programs read; a person who reads Japanese is shown the
translation. The path is the file's own. A test holds that no sentence of the package is missing here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_SENTENCES: Final[dict[str, str]] = {
    # --- the file
    "byte {a}: the file is not UTF-8 text; save it as UTF-8": (
        "{a} バイト目: UTF-8 の文字ではありません。UTF-8 で保存してください"
    ),
    "not a site file: nested too deeply": "設定ファイルではありません（入れ子が深すぎます）",
    "not a site file (TOML): {a}": "設定ファイル（TOML）として読めません: {a}",
    "the file is empty; a site has at least [site]": "ファイルが空です。少なくとも [site] が必要です",
    "the configuration is not a table": "設定が表（テーブル）ではありません",
    "unknown key; one of {a}": "知らないキーです。使えるのは {a}",
    "{a} is missing": "{a} がありません",
    "{a} and {b} are both there; leave one out": "{a} と {b} の両方があります。どちらかを消してください",
    "{a} is not a list of tables; write {b}": "{a} は表のリストではありません。{b} と書いてください",
    "no user with the role admin would be left, and nobody could log in to change it back": (
        '管理者（role = "admin"）がいなくなり、元に戻せる人がいなくなります'
    ),
    # --- single values
    "{a} is not a text; write it in quotes": "{a} は文字列ではありません。引用符で囲んでください",
    "is not a text; write it in quotes": "文字列ではありません。引用符で囲んでください",
    "{a} characters are too many; at most {b}": "{a} 文字は長すぎます。{b} 文字までです",
    "{a} members are too many; at most {b}": "{a} 個は多すぎます。{b} 個までです",
    "holds a control character": "制御文字が入っています",
    "is empty; give it a name": "空です。名前を付けてください",
    "is empty; leave the key out to keep the present one": "空です。今のものを残すには、このキーを消してください",
    "is longer than 256 characters or holds a control character": "256 文字を超えているか、制御文字が入っています",
    "is not 1 to 10 digits": "1〜10 桁の数字ではありません",
    "{a} is a number without quotes; write {b}": "{a} は引用符のない数値です。{b} と書いてください",
    "{a} is not an id; letters, digits, - and _, at most 40": (
        "{a} は ID に使えません。英数字と - と _ で 40 文字までです"
    ),
    "{a} is not a number of this site; 1 to 10 digits": "{a} は番号に使えません。1〜10 桁の数字です",
    "{a} is not a telephone number; digits, a + in front if international, such as {b}": (
        "{a} は電話番号ではありません。数字（国際番号は先頭に +）で、例えば {b}"
    ),
    "{a} is not a telephone number; digits, a + if international": (
        "{a} は電話番号ではありません。数字（国際番号は先頭に +）で書いてください"
    ),
    "{a} is not a dial code; digits, * and #, at most 8": "{a} は特番に使えません。数字と * と # で 8 桁までです",
    "{a} is not keys for use during a call; * or # and one to three more, such as {b}": (
        "{a} は通話中のキーに使えません。* か # に続けて 1〜3 桁で、例えば {b}"
    ),
    "{a} is not the digit that follows the break code; 0 to 9": (
        "{a} は休憩の理由の番号ではありません。0〜9 の 1 桁です"
    ),
    "{a} is not a host name or address, such as {b}": "{a} はホスト名でもアドレスでもありません。例えば {b}",
    "{a} is neither true nor false; write it without quotes": (
        "{a} は true でも false でもありません。引用符なしで書いてください"
    ),
    "{a} is not right; a whole number from {b} to {c}": "{a} は使えません。{b} から {c} までの整数です",
    "{a} is not right; a number of seconds from {b} to {c}": "{a} は使えません。{b} から {c} までの秒数です",
    "{a} is not a list; write {b}": "{a} はリストではありません。{b} と書いてください",
    "{a} is not a table; write {b}": "{a} は表ではありません。{b} と書いてください",
    "{a} is not a table": "{a} は表ではありません",
    "{a} is not a destination; one of {b}": "{a} は接続先ではありません。使えるのは {b}",
    "{a} lacks what comes after the colon": "{a} は、コロンの後がありません",
    "unknown country {a}; a code of two capitals such as JP or US": (
        "{a} という国はありません。JP や US のような大文字 2 字です"
    ),
    "unknown time zone {a}; such as {b}": "{a} というタイムゾーンはありません。例えば {b}",
    "unknown {what} {a}; this site has no {b}": "{what} {a} がありません（この設定にはひとつもありません）",
    "unknown {what} {a}; one of {b}": "{what} {a} はありません。使えるのは {b}",
    # --- people
    "{a} is already that of {b}": "{a} は {b} と同じです",
    "password is missing, here and on the box: give {a} one": (
        "password がここにも本体にもありません。{a} のパスワードを決めてください"
    ),
    "password (or password_hash) is missing": "password（または password_hash）がありません",
    "is not an Argon2 hash; give password instead": "Argon2 のハッシュではありません。password を書いてください",
    "is not a hash that this box makes; give pin instead": "この本体のハッシュではありません。pin を書いてください",
    "is missing, here and on the box: no phone can register as {a}": (
        "ここにも本体にもありません。{a} として電話機を登録できません"
    ),
    "is missing; a box that has one keeps it, else no phone can register": (
        "ありません。本体にあればそれを使い、なければ電話機を登録できません"
    ),
    "there is no user {a}; nobody can use it": "{a} というユーザーはいません。誰も使えません",
    "there is no user {a}; the agent has no web log-in": (
        "{a} というユーザーはいません。このオペレーターは画面にログインできません"
    ),
    "is easy to guess; take at least 4 different digits": "推測されやすい番号です。4 種類以上の数字を使ってください",
    "is missing; anyone can log this agent in": "ありません。誰でもこのオペレーターとしてログインできます",
    "keys travel in SIP messages, which are not encrypted while tls is not built: who reads them can listen": (
        "暗号鍵は SIP で運ばれますが、tls はまだ使えないため暗号化されません。SIP を読める人は通話を聞けます"
    ),
    "is too short to be safe; take at least 8 characters": "短すぎて安全ではありません。8 文字以上にしてください",
    "is easy to guess; take another one": "推測されやすいものです。別のものにしてください",
    # --- parts
    "{a} is not built yet; the caller hears the closed announcement": (
        "{a} はまだ使えません。お客様には受付時間外の案内が流れます"
    ),
    "prompt (or prompt_file) is missing": "prompt（または prompt_file）がありません",
    "is not spoken: prompt_file goes before it": "読み上げられません（prompt_file が優先されます）",
    "text (or file) is missing": "text（または file）がありません",
    "is empty; a group needs at least one extension": "空です。グループには内線が 1 つ以上必要です",
    "there is no extension {a}; the others ring": "内線 {a} はありません。ほかの内線が鳴ります",
    "{a} is not built yet for groups; all members ring at once": (
        "グループの {a} はまだ使えません。全員が同時に鳴ります"
    ),
    "no agent serves the queue {a}; callers go to overflow": (
        "キュー {a} を受けるオペレーターがいません。お客様は overflow へ進みます"
    ),
    "{a} is not a file name; put the file into prompts/ and give its name alone": (
        "{a} はファイル名ではありません。ファイルを prompts/ に置き、名前だけを書いてください"
    ),
    "is missing; registration needs it": "ありません。登録に必要です",
    "is missing; the carrier will most likely refuse the registration": (
        "ありません。通信事業者に登録を断られる可能性が高いです"
    ),
    "tls is not built yet; calls over this trunk fail": "tls はまだ使えません。この外線の通話は失敗します",
    "{a} is no address or network, such as {b}": "{a} はアドレスでもネットワークでもありません。例えば {b}",
    "is the same number as {a}": "{a} と同じ番号です",
    "is empty; name at least one trunk": "空です。外線を 1 つ以上書いてください",
    "{a} is not a pattern; digits, X (0-9), Z (1-9), N (2-9), a . at the end for one or more": (
        "{a} は番号の型ではありません。数字、X（0〜9）、Z（1〜9）、N（2〜9）、末尾の .（1 桁以上）で書いてください"
    ),
    "there is none; emergency numbers cannot be reached from this site": (
        "外線がありません。この拠点からは緊急通報ができません"
    ),
    "is empty; every call goes to outside": "空です。すべての通話が outside へ進みます",
    "goes round in a circle: {a}": "循環しています: {a}",
    "is line-in, but input is off; callers hear the built-in music": (
        "line-in ですが、input が off です。お客様には内蔵の音楽が流れます"
    ),
    "means nothing while loudspeaker_seconds is 0; the loudspeaker never rings": (
        "loudspeaker_seconds が 0 なので意味がありません。スピーカーは鳴りません"
    ),
    "is set, but sound.output is off; nothing rings": "設定されていますが、sound.output が off です。何も鳴りません",
    "is not built yet; whoever dials it is told so": "まだ使えません。ダイヤルするとその旨をお知らせします",
    # --- opening hours
    "{a} is not a line of opening hours; write days and times like {b} or {c}": (
        "{a} は営業時間ではありません。{b} や {c} のように書いてください"
    ),
    "{a} names the day {b}; one of {c}, a range like mon-fri, or daily": (
        "{a} の曜日 {b} はありません。使えるのは {c}、mon-fri のような範囲、daily"
    ),
    "{a} has no end for {b}; write days and times like {c} or {d}": (
        "{a} の {b} に終わりの時刻がありません。{c} や {d} のように書いてください"
    ),
    "{a} is open for no time from {b}; the whole day is 00:00-24:00": (
        "{a} は {b} からの営業時間がありません。終日は 00:00-24:00 です"
    ),
    "{a} has the time {b}; a time from 00:00 to 24:00": "{a} の時刻 {b} は使えません。00:00 から 24:00 までです",
    "{a} is not a date; write {b}, or {c} for every year": (
        "{a} は日付ではありません。{b}、毎年なら {c} と書いてください"
    ),
    "{a} is no day of the calendar; write {b}, or {c} for every year": (
        "{a} という日はありません。{b}、毎年なら {c} と書いてください"
    ),
    # --- numbers that clash
    "{a} is an emergency number of {b}; take another one": "{a} は {b} の緊急通報の番号です。別の番号にしてください",
    "{a} begins with the emergency number {b}; take another one": (
        "{a} は緊急通報の番号 {b} で始まります。別の番号にしてください"
    ),
    "{a} hides the emergency number {b}; take another one": (
        "{a} があると緊急通報の番号 {b} をかけられません。別の番号にしてください"
    ),
    "{a} is the park slot {b}; numbers from 701 to 709 are taken": (
        "{a} はパークの番号 {b} です。701〜709 は使えません"
    ),
    "{a} begins with the park slot {b}; numbers from 701 to 709 are taken": (
        "{a} はパークの番号 {b} で始まります。701〜709 は使えません"
    ),
    "{a} is already the number of {what} ({b})": "{a} はすでに{what}（{b}）の番号です",
    "{a} hides {what}, which is dialled {b}": "{a} があると、{b} とダイヤルする{what}につながりません",
    "{a} begins with the number {b}; phones that dial digit by digit may not reach it": (
        "{a} は番号 {b} で始まります。1 桁ずつ発信する電話機からはつながらないことがあります"
    ),
    "{a} is never used: it is {what} of this site": "{a} は使われません。この拠点の{what}です",
    "{a} is an emergency number and needs no route; every trunk is tried": (
        "{a} は緊急通報の番号なので経路は要りません。すべての外線を試します"
    ),
}
"""English -> Japanese. A name in braces is taken over as it is; `what` is a noun, translated too."""

_NOUNS: Final[dict[str, str]] = {
    "recording rule": "録音ルール",
    "rule for encrypted audio": "音声の暗号化ルール",
    "way of sending keys": "キーの送り方",
    "source of music": "保留音の音源",
    "park slot": "パークの番号",
    "announcement": "案内",
    "codec": "コーデック",
    "code": "特番",
    "destination": "接続先",
    "extension": "内線",
    "group": "グループ",
    "hours": "営業時間",
    "language": "言語",
    "menu": "メニュー",
    "queue": "キュー",
    "role": "権限",
    "strategy": "呼び出し方式",
    "transport": "トランスポート",
    "trunk": "外線",
}

_NEAR: Final = re.compile(r' \(did you mean ("[^"]*")\?\)$')


def japanese(problem: str) -> str:
    """A problem or warning of this package in Japanese; as it is where it is none of them."""
    near = _NEAR.search(problem)
    plain = problem[: near.start()] if near else problem
    hint = f"（{near[1]} のことですか）" if near else ""
    path, colon, message = plain.partition(": ")
    for before, sentence in ((f"{path}: ", message), ("", plain)) if colon else (("", plain),):
        said = _said(sentence)
        if said:
            return before + said + hint
    return problem


def _said(sentence: str) -> str:
    for form, text in _forms():
        found = form.fullmatch(sentence)
        if found:
            words = found.groupdict()
            if "what" in words:
                words["what"] = _noun(words["what"])
            return text.format(**words)
    return ""


def _noun(what: str) -> str:
    for english, word in _NOUNS.items():
        if what == english or what.startswith(f"{english} "):
            return word + what[len(english) :]
    return what


@cache
def _forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    def form(english: str) -> re.Pattern[str]:
        parts = re.split(r"\{(\w+)\}", english)
        return re.compile(
            "".join(re.escape(part) if place % 2 == 0 else f"(?P<{part}>.*?)" for place, part in enumerate(parts)),
            re.DOTALL,
        )

    return tuple((form(english), text) for english, text in _SENTENCES.items())
