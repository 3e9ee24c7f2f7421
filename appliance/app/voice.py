"""What the ledger tells of voice quality: figures for `/metrics`, faults of parties that are not heard, and the parties
that sounded bad lately (for `hako doctor`). A reader of events; keeps little and nothing for long."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from appliance.events import Entry, LegAudio, OneWayAudio, OneWayAudioEnded
from appliance.events.base import Words
from appliance.exchange.quality import FAIR
from appliance.web.context import Metric

BOUNDS = (1.0, 1.5, 2.0, 2.5, 3.1, 3.6, 4.0, 4.3)
"""Of the histogram: 3.1, 3.6, 4.0 and 4.3 part the classes of G.107 annex B."""
KEPT_BAD = 200
LATELY_SECONDS = 24 * 3600.0


class BadLeg(msgspec.Struct, frozen=True):
    """A leg that sounded bad."""

    at: float
    who: Words
    received: float | None
    sent: float | None
    lost: float
    """Share of what was sent to us that was lost or late, 0..1."""
    sent_lost: float
    jitter_ms: float
    round_trip_ms: float | None


class Histogram:
    """Counts MOS values as Prometheus wants them."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Counts one leg."""
        place = next((place for place, bound in enumerate(BOUNDS) if value <= bound), len(BOUNDS))
        self.counts[place] += 1
        self.sum += value

    def samples(self, direction: str) -> list[tuple[str, dict[str, str], float]]:
        """(suffix, labels, value) of one direction."""
        found: list[tuple[str, dict[str, str], float]] = []
        total = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            total += count
            found.append(("_bucket", {"direction": direction, "le": bound}, total))
        return [*found, ("_sum", {"direction": direction}, self.sum), ("_count", {"direction": direction}, total)]


class FaultBook(Protocol):
    """Of `appliance.app.faults.Faults` what is needed here."""

    def raise_(self, fault: str, text: Words, remedy: Words | None = None) -> None: ...
    def clear(self, fault: str) -> None: ...


class VoiceWatch:
    """`committed` is a reader of the ledger, in the loop's thread."""

    def __init__(self, faults: FaultBook, rtp: tuple[int, int]) -> None:
        """`rtp`: lowest and highest port for audio, to be named where a firewall may be in the way."""
        self._faults, self._rtp = faults, rtp
        self._received, self._sent = Histogram(), Histogram()
        self._bad: deque[BadLeg] = deque(maxlen=KEPT_BAD)
        self._raised: dict[str, float] = {}
        """Faults of ours -> when they were raised."""
        self._one_way = 0

    def committed(self, entries: Sequence[Entry]) -> None:
        """Counts, raises and clears."""
        for entry in entries:
            event = entry.event
            if isinstance(event, LegAudio):
                self._leg(entry.at, event)
            elif isinstance(event, OneWayAudio):
                self._unheard(entry.at, event)
            elif isinstance(event, OneWayAudioEnded):
                self._clear(_fault(event, event.direction))
        if entries and self._raised:
            for fault in [fault for fault, at in self._raised.items() if at < entries[-1].at - LATELY_SECONDS]:
                self._clear(fault)

    def _leg(self, at: float, event: LegAudio) -> None:
        if event.mos is not None:
            self._received.add(event.mos)
        if event.sent_mos is not None:
            self._sent.add(event.sent_mos)
        if event.mos is not None and not event.unheard:
            self._clear(_fault(event, "from"))
        if event.sent_mos is not None and not event.unreached:
            self._clear(_fault(event, "to"))
        known = [mos for mos in (event.mos, event.sent_mos) if mos is not None]
        if known and min(known) < FAIR:
            expected = event.packets + event.lost
            self._bad.append(
                BadLeg(
                    at=at,
                    who=_who(event),
                    received=event.mos,
                    sent=event.sent_mos,
                    lost=(event.lost + event.late) / expected if expected else 0.0,
                    sent_lost=event.sent_loss,
                    jitter_ms=event.jitter_ms,
                    round_trip_ms=event.round_trip_ms,
                )
            )

    def _clear(self, fault: str) -> None:
        if self._raised.pop(fault, None) is not None:
            self._faults.clear(fault)

    def _unheard(self, at: float, event: OneWayAudio) -> None:
        self._one_way += 1
        # A muted microphone is told on the live page and in the record; nothing is wrong with the box or the network.
        if event.reason == "digital-silence" or not (event.extension or event.trunk):
            return
        fault = _fault(event, event.direction)
        self._raised[fault] = at
        self._faults.raise_(fault, *one_way_words(event, self._rtp))

    # --- for people --------------------------------------------------------------------------------------------------
    def metrics(self) -> Iterable[Metric]:
        """Families of `/metrics`."""
        samples = self._received.samples("received") + self._sent.samples("sent")
        yield Metric(
            "hako_leg_mos",
            "histogram",
            "Mean opinion score of legs over their call, by the E-model: of what came from the party, of what it got.",
            [(labels, value) for _, labels, value in samples],
            [suffix for suffix, _, _ in samples],
        )
        yield Metric("hako_one_way_audio_total", "counter", "Connected parties not heard.", [({}, self._one_way)])

    def bad_lately(self, now: float) -> list[dict[str, Words]]:
        """The parties that sounded bad within a day, each as `text` and `remedy`."""
        by_party: dict[str, list[BadLeg]] = {}
        for leg in self._bad:
            if leg.at >= now - LATELY_SECONDS:
                by_party.setdefault(leg.who["en"], []).append(leg)
        return [{"text": _bad_words(legs), "remedy": _LOOK_BETWEEN} for legs in by_party.values()]


_LOOK_BETWEEN: Words = {
    "ja": "間のネットワーク（Wi-Fi、混んだ回線、エラーの出ているスイッチやケーブル）を確認してください。",
    "en": "Look at the network between: Wi-Fi, a full line, a switch or cable with errors.",
}

_LOOK_BEYOND: Words = {
    "ja": "間にあるルーターの SIP ALG と電話機の NAT・STUN の設定を切り、相手側のファイアウォールがこの UDP ポートを"
    "通すことを確認してください。",
    "en": "Switch off SIP ALG in the router between and NAT or STUN at the phone; see that the firewall there "
    "lets this UDP port through.",
}


def _least(leg: BadLeg) -> float:
    return min(mos for mos in (leg.received, leg.sent) if mos is not None)


def _bad_words(legs: list[BadLeg]) -> Words:
    """How often, and the figures of the worst call."""
    worst = min(legs, key=_least)
    ja, en = [f"5 点満点で {_least(worst):.1f}"], [f"{_least(worst):.1f} of 5"]
    if worst.lost >= 0.005:
        ja.append(f"受信の損失 {100 * worst.lost:.1f} %")
        en.append(f"{100 * worst.lost:.1f} % lost on the way here")
    if worst.sent_lost >= 0.005:
        ja.append(f"送信の損失 {100 * worst.sent_lost:.1f} %")
        en.append(f"{100 * worst.sent_lost:.1f} % lost on the way there")
    if worst.jitter_ms >= 20:
        ja.append(f"揺らぎ {worst.jitter_ms:.0f} ms")
        en.append(f"jitter {worst.jitter_ms:.0f} ms")
    if (worst.round_trip_ms or 0) >= 150:
        ja.append(f"往復 {worst.round_trip_ms:.0f} ms")
        en.append(f"round trip {worst.round_trip_ms:.0f} ms")
    return {
        "ja": f"{worst.who['ja']}の通話品質がこの 1 日に {len(legs)} 回悪くなりました（最悪：{'、'.join(ja)}）。",
        "en": f"{worst.who['en']} sounded bad lately ({len(legs)} times; the worst: {', '.join(en)}).",
    }


def _who(event: LegAudio | OneWayAudio) -> Words:
    if event.extension:
        return {"ja": f"内線 {event.extension}", "en": f"Phone {event.extension}"}
    return {"ja": f"外線 {event.trunk}", "en": f"Trunk {event.trunk}"}


def _fault(event: LegAudio | OneWayAudio | OneWayAudioEnded, direction: str) -> str:
    return f"one-way{'-to' if direction == 'to' else ''}:{event.extension or event.trunk}"


def _browser_words(event: OneWayAudio, ja: str, en: str) -> tuple[Words, Words]:
    """Of a telephone in a browser: the address is our own, and neither router nor firewall is in the way of that."""
    if event.direction == "to":
        text = {
            "ja": f"{ja}のブラウザーには相手の声が聞こえていません。",
            "en": f"{en}, which is in a browser, hears nothing.",
        }
    else:
        text = {
            "ja": f"{ja}のブラウザーの声が届きません。画面が閉じられたか、接続が切れています。",
            "en": f"{en}, which is in a browser, is not heard: its page was closed or has lost its connection.",
        }
    remedy = {
        "ja": "ブラウザーで画面を開き直すと、通話は 45 秒以内なら続きます。"
        "パソコンと本体の間の UDP も確認してください。",
        "en": "Open the page again in the browser: within 45 s the call goes on. Look whether UDP passes between the "
        "computer and the box.",
    }
    return text, remedy


def one_way_words(event: OneWayAudio, rtp: tuple[int, int]) -> tuple[Words, Words]:
    """What is wrong, and what to do about it."""
    ja, en = _who(event).values()
    if event.browser:
        return _browser_words(event, ja, en)
    expected, source = event.expected or "?", event.source or "?"
    ports = f"{rtp[0]}–{rtp[1]}"
    text = {
        "no-packets": {
            "ja": f"{ja}の声が届きません。{expected} から音声が届くはずですが、何も届いていません。",
            "en": f"{en} is not heard: nothing came from {expected}, where its audio should come from.",
        },
        "other-source": {
            "ja": f"{ja}の声が届きません。音声は {source} から届いていますが、通話の相手は {expected} です。",
            "en": f"{en} is not heard: audio comes from {source}, but the call is with {expected}.",
        },
        "other-payload": {
            "ja": f"{ja}の声が届きません。取り決めにない種類（ペイロード {event.payload_type}）で送られています。",
            "en": f"{en} is not heard: it sends payload type {event.payload_type}, which was not agreed.",
        },
        "no-rtp": {
            "ja": f"{ja}の声が届きません。{expected} から届くデータは音声（RTP）ではありません。",
            "en": f"{en} is not heard: what comes from {expected} is no audio (RTP).",
        },
        "unauthentic": {
            "ja": f"{ja}の声が届きません。暗号化された音声（SRTP）の認証に失敗しています。",
            "en": f"{en} is not heard: the authentication of its encrypted audio (SRTP) fails.",
        },
        "not-received": {
            "ja": f"{ja}には相手の声が聞こえていません。{expected} へ送った音声が届いていないと報告しています。",
            "en": f"{en} hears nothing: it reports that no audio arrives of what is sent to {expected}.",
        },
        "refused": {
            "ja": f"{ja}には相手の声が聞こえていません。{expected} へ送った音声が拒否されています。",
            "en": f"{en} hears nothing: the audio sent to {expected} is refused there.",
        },
    }.get(
        event.reason,
        {"ja": f"{ja}の声が届きません（{event.reason}）。", "en": f"{en} is not heard ({event.reason})."},
    )
    remedy = {
        "other-payload": {
            "ja": "電話機または回線のコーデックを PCMU、PCMA に設定してください。",
            "en": "Set its codecs to PCMU and PCMA.",
        },
        "unauthentic": {
            "ja": "電話機の SRTP を「無効」または「任意」にして、かけ直してください。",
            "en": "Set SRTP at the phone to off or optional and call again.",
        },
        "not-received": _LOOK_BEYOND,
        "refused": _LOOK_BEYOND,
    }.get(
        event.reason,
        {
            "ja": "間にあるルーターの SIP ALG と電話機の NAT・STUN の設定を切り、"
            f"ファイアウォールで UDP {ports} を許可してください。",
            "en": f"Switch off SIP ALG in the router between and NAT or STUN at the phone; let UDP {ports} through the "
            "firewall.",
        },
    )
    return text, remedy
