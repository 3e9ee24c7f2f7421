"""Offer and answer (RFC 3264) for the one audio stream of a leg: pure functions from what we can and what they said.

`Local` is our side as the caller wants it: address, port, codecs in our order of preference (a B2BUA gives A what B
answered). `Negotiated` is what both sides may do afterwards. Other streams are refused with port 0, in their order. To
add a codec, give it in Local.codecs.

SRTP has its keys in the description (RFC 4568). The profiles RTP/SAVP and RTP/SAVPF are taken with a usable a=crypto,
and so is RTP/AVP with one, as phones write it that would take either; the answer has the profile and the one tag
chosen. A phone that offers both profiles in two sections gets the secure one. DTLS-SRTP (UDP/TLS/RTP/SAVPF) is not
spoken here.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

import msgspec

from appliance.errors import RemoteProtocolError
from appliance.sip.sdes import KEY_BYTES, Crypto, Secured, of_suite, offered_in
from appliance.sip.sdp import (
    Media,
    Origin,
    Payload,
    SessionDescription,
    is_hold_address,
    reversed_direction,
)

PCMU = Payload(0, "PCMU")
PCMA = Payload(8, "PCMA")
G722 = Payload(9, "G722")
"""Its RTP clock is 8000 Hz although it carries 16 kHz (RFC 3551 4.5.2)."""
OPUS = Payload(111, "opus", 48000, "useinbandfec=1", 2)
L16 = Payload(112, "L16", 16000)
CN = Payload(13, "CN")
TELEPHONE_EVENT_48000 = Payload(110, "telephone-event", 48000, "0-16")
TELEPHONE_EVENT_16000 = Payload(113, "telephone-event", 16000, "0-16")
TELEPHONE_EVENT = Payload(101, "telephone-event", fmtp="0-16")

_EVENT = "telephone-event"
_NO_VOICE = (_EVENT, "cn")
_PLAIN = ("RTP/AVP", "RTP/AVPF")
_SECURE = ("RTP/SAVP", "RTP/SAVPF")


class Local(msgspec.Struct, frozen=True, gc=False):
    """Our side of one audio stream."""

    address: str
    """IPv4 or IPv6 address that the other side reaches us at."""
    port: int
    """Even RTP port; RTCP is on the next one."""
    codecs: tuple[Payload, ...] = (PCMU, PCMA, TELEPHONE_EVENT)
    """What we offer or accept, best first; the numbers are those of our own offers."""
    session_id: int = 1
    """Of o=: the same for the life of the dialog."""
    version: int = 1
    """Of o=, for the first description of a dialog; later ones go by `previous`."""
    direction: str = "sendrecv"
    """What we want: sendrecv, sendonly, recvonly or inactive."""
    ptime: int = 20
    rtcp_mux: bool = False
    """Whether we can take RTCP on the RTP port; agreed only when both say so."""
    srtp: str = "off"
    """off: plain RTP alone; optional: SRTP when it is offered, we offer plain; required: SRTP alone; preferred: we
    offer SRTP and take plain too."""
    keys: tuple[Crypto, ...] = ()
    """Ours, one a suite; without any there is no SRTP."""
    suite: str = ""
    """That is in use: an offer of ours in the middle of a call goes on with it. "": none."""

    @property
    def takes_secure(self) -> bool:
        """Whether SRTP may come of an offer."""
        return self.srtp != "off" and bool(self.keys)

    @property
    def takes_plain(self) -> bool:
        """Whether plain RTP may come of it."""
        return self.srtp != "required"

    @property
    def offers(self) -> tuple[Crypto, ...]:
        """Keys that an offer of ours has; without any it is plain."""
        if self.suite:
            return tuple(crypto for crypto in self.keys if crypto.suite == self.suite)
        return self.keys if self.srtp in ("required", "preferred") else ()

    metrics: bool = False
    """Whether we would like their VoIP metrics (RFC 3611)."""


class Negotiated(msgspec.Struct, frozen=True, gc=False):
    """What holds after offer and answer."""

    remote: tuple[str, int] | None
    """Where to send RTP; None: nowhere (c=0.0.0.0, or the stream is refused)."""
    remote_rtcp: tuple[str, int] | None
    send: Payload | None
    """What we send, with the number they gave it."""
    receive: tuple[Payload, ...]
    """What they may send, with the numbers we gave."""
    send_events: Payload | None = None
    """telephone-event with the number they gave it; None: they do not take it."""
    send_noise: Payload | None = None
    """CN (RFC 3389) with the number they gave it; None: they do not take it, or not beside an audio codec of its clock
    (section 4), as Opus."""
    ptime: int = 20
    """Milliseconds a packet that they would like to get."""
    direction: str = "sendrecv"
    """What WE may do: sendrecv, sendonly, recvonly or inactive."""
    held_by_remote: bool = False
    """Whether they do not want to hear us: they put us on hold (RFC 3264 8.4, or c=0.0.0.0 of RFC 2543)."""
    version: int = 0
    """o= version of their description, to know a refresh from a change."""
    rtcp_mux: bool = False
    secured: Secured | None = None
    """Keys of both directions; None: plain RTP."""
    send_metrics: bool = False
    """They would like our VoIP metrics."""

    @property
    def codec(self) -> str:
        """Name of the audio codec; "" when there is none."""
        return self.send.codec if self.send is not None else ""


def make_offer(local: Local) -> bytes:
    """Our offer: one audio section with what `local` says."""
    section = _offered_section(local, "RTP/SAVP" if local.offers else "RTP/AVP")
    return _ours(local, [section]).encode()


def refresh_offer(local: Local, previous: bytes) -> bytes:
    """An offer in a dialog where `previous` is our last description: as many sections in the same order, the others
    refused (RFC 3264 8), and the same o= version when nothing but the version would differ."""
    before = SessionDescription.parse(previous)
    sections = [_refusal(media) for media in before.media]
    place = next((index for index, media in enumerate(before.media) if media.port), None)
    if place is None:
        place = next((index for index, media in enumerate(before.media) if media.kind == "audio"), 0)
    proto = "RTP/SAVP" if local.offers else "RTP/AVP"
    if local.offers and place < len(before.media) and before.media[place].attribute("crypto"):
        proto = before.media[place].proto
    sections[place : place + 1] = [_offered_section(local, proto)]
    return unchanged_or_raised(_ours(local, sections), before)


def answer(local: Local, offer: bytes, previous: bytes | None = None) -> tuple[bytes, Negotiated]:
    """Our answer and what it means. RemoteProtocolError 488 when we share no audio codec or do not agree about SRTP,
    400 when it is no SDP.

    The first usable audio section is taken, a secure one before a plain one, every other stream refused. `previous`:
    our last description in this dialog, so that the o= version is raised only when something changed (RFC 3264 8).
    """
    theirs = SessionDescription.parse(offer)
    place, chosen, crypto = _choose(theirs, local)
    media = theirs.media[place]
    address = theirs.address_of(media)
    nowhere = is_hold_address(address)
    # An offer of c=0.0.0.0 means: do not send to me (RFC 2543 hold, RFC 3264 8.4), whatever its direction says.
    wanted = _without_receiving(theirs.direction_of(media)) if nowhere else theirs.direction_of(media)
    direction = _both(local.direction, reversed_direction(wanted))
    ours_with = of_suite(local.keys, crypto.suite) if crypto is not None else None
    secured = None
    mux = local.rtcp_mux and media.rtcp_mux
    section = _our_section(local, chosen, direction, media.kind, media.proto, mux)
    if crypto is not None and ours_with is not None:
        secured = Secured(crypto.suite, ours_with.key, crypto.key)
        section.attributes.append(("crypto", str(Crypto(crypto.tag, crypto.suite, ours_with.key))))
    sections = [_refusal(other) for other in theirs.media]
    sections[place] = section
    ours = _ours(local, sections)
    body = ours.encode() if previous is None else unchanged_or_raised(ours, SessionDescription.parse(previous))
    return body, _negotiated(theirs, media, chosen, chosen, direction, wanted, mux, secured)


def accept(local: Local, answer_body: bytes) -> Negotiated:
    """What their answer to our offer of `local` means. RemoteProtocolError 488 when it leaves no audio, or takes none
    of the keys that it had to take."""
    theirs = SessionDescription.parse(answer_body)
    media = next((media for media in theirs.media if media.kind == "audio" and media.port and media.is_rtp), None)
    if media is None or not _acceptable(local, theirs, media, (*_PLAIN, *_SECURE)):
        raise RemoteProtocolError("the answer has no usable audio stream", 488)
    secured = _answered_keys(local, media)
    listed = media.payloads
    if not any(_find(local.codecs, payload) for payload in listed if payload.codec.lower() not in _NO_VOICE):
        raise RemoteProtocolError("the answer has no codec that was offered", 488)
    send = tuple(payload for payload in listed if _find(local.codecs, payload) is not None)
    wanted = theirs.direction_of(media)
    if is_hold_address(theirs.address_of(media)):
        wanted = _without_receiving(wanted)
    direction = _both(local.direction, reversed_direction(wanted))
    mux = local.rtcp_mux and media.rtcp_mux
    return _negotiated(theirs, media, send, local.codecs, direction, wanted, mux, secured)


def _answered_keys(local: Local, media: Media) -> Secured | None:
    """The keys of both directions, by the tag that the answer chose (RFC 4568 5.1.3)."""
    for crypto in offered_in(media) if local.offers else ():
        for ours in local.offers:
            if (ours.tag, ours.suite) == (crypto.tag, crypto.suite):
                return Secured(ours.suite, ours.key, crypto.key)
    if media.proto.upper() in _SECURE or not local.takes_plain:
        raise RemoteProtocolError("the answer takes none of the SRTP keys that were offered", 488)
    return None


def unchanged_or_raised(ours: SessionDescription, before: SessionDescription) -> bytes:
    """Our description with the id of the one before, and its version when both say the same, else one more."""
    ours.origin = Origin(ours.origin.user, before.origin.session_id, before.origin.version, ours.origin.address)
    body = ours.encode()
    if body == before.encode():
        return body
    ours.origin = Origin(ours.origin.user, before.origin.session_id, before.origin.version + 1, ours.origin.address)
    return ours.encode()


def _ours(local: Local, sections: list[Media]) -> SessionDescription:
    origin = Origin("hako", local.session_id, local.version, local.address)
    return SessionDescription(origin, address=local.address, media=sections, name="Hako")


def _offered_section(local: Local, proto: str) -> Media:
    section = _our_section(local, local.codecs, local.direction, "audio", proto, local.rtcp_mux)
    section.attributes += [("crypto", str(crypto)) for crypto in local.offers]
    return section


def _our_section(
    local: Local, payloads: tuple[Payload, ...], direction: str, kind: str, proto: str, mux: bool
) -> Media:
    attributes: list[tuple[str, str | None]] = []
    for payload in payloads:
        channels = f"/{payload.channels}" if payload.channels != 1 else ""
        attributes.append(("rtpmap", f"{payload.number} {payload.codec}/{payload.clock}{channels}"))
        if payload.fmtp:
            attributes.append(("fmtp", f"{payload.number} {payload.fmtp}"))
    attributes.append(("ptime", str(local.ptime)))
    if mux:
        attributes.append(("rtcp-mux", None))
    if local.metrics:
        attributes.append(("rtcp-xr", "voip-metrics"))
    numbers = tuple(str(payload.number) for payload in payloads)
    return Media(kind, local.port, proto, numbers, direction=direction, attributes=attributes)


def _refusal(media: Media) -> Media:
    """The same section with port 0 (RFC 3264 6); its format list stays as the grammar needs one."""
    return Media(media.kind, 0, media.proto, media.formats)


def _choose(theirs: SessionDescription, local: Local) -> tuple[int, tuple[Payload, ...], Crypto | None]:
    """The section to accept, the payloads for it (our order, their numbers), and their key when it is a secure one."""
    if local.takes_secure:
        for place, media in enumerate(theirs.media):
            if (
                _acceptable(local, theirs, media, (*_SECURE, *_PLAIN))
                and (crypto := _usable_key(media, local)) is not None
            ):
                chosen = _common(media, local.codecs)
                if chosen:
                    return place, chosen, crypto
    if local.takes_plain:
        for place, media in enumerate(theirs.media):
            if _acceptable(local, theirs, media, _PLAIN) and (chosen := _common(media, local.codecs)):
                return place, chosen, None
    raise RemoteProtocolError(_srtp_problem(theirs, local) or "No audio stream that we can take", 488)


def _usable_key(media: Media, local: Local) -> Crypto | None:
    """Their most preferred key of a suite of ours; that in use, when it is still among them."""
    offered = [crypto for crypto in offered_in(media) if of_suite(local.keys, crypto.suite) is not None]
    return of_suite(offered, local.suite) or (offered[0] if offered else None)


def _common(media: Media, codecs: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """Our codecs that are in the section, with its numbers; () where no voice is among them."""
    offered = media.payloads
    chosen: list[Payload] = []
    for ours in codecs:
        match = _find(offered, ours)
        if match is not None and all(match.number != other.number for other in chosen):
            chosen.append(Payload(match.number, ours.codec, ours.clock, ours.fmtp, ours.channels))
    return tuple(chosen) if any(payload.codec.lower() not in _NO_VOICE for payload in chosen) else ()


def srtp_refusal(local: Local, offer: bytes) -> str:
    """Why an offer can be refused already for what it says of SRTP; "" when it need not be."""
    try:
        theirs = SessionDescription.parse(offer)
    except RemoteProtocolError:
        return ""
    audio = [media for media in theirs.media if media.kind == "audio" and media.port]
    for media in audio:
        proto = media.proto.upper()
        if local.takes_plain and proto in _PLAIN:
            return ""
        if local.takes_secure and proto in (*_SECURE, *_PLAIN) and _usable_key(media, local) is not None:
            return ""
    return _srtp_problem(theirs, local)


def _srtp_problem(theirs: SessionDescription, local: Local) -> str:
    """What a person who set up the other side has to know; "" when it is not about SRTP."""
    audio = [media for media in theirs.media if media.kind == "audio" and media.port]
    secure = [media for media in audio if media.proto.upper() in _SECURE]
    if local.srtp != "off" and not local.keys and (secure or not local.takes_plain):
        return "Encrypted audio (SRTP) is not built into this box"
    if not local.takes_plain and not secure:
        return "Only encrypted audio is taken here: RTP/SAVP with a=crypto" if audio else ""
    if secure and not local.takes_secure:
        return "Encrypted audio (SRTP) is off here"
    if secure and all(_usable_key(media, local) is None for media in secure):
        return f"No SRTP key that can be used here: one of {', '.join(KEY_BYTES)}, without MKI"
    return ""


def _acceptable(local: Local, theirs: SessionDescription, media: Media, protos: tuple[str, ...]) -> bool:
    if media.kind != "audio" or not media.port or media.proto.upper() not in protos:
        return False
    address = theirs.address_of(media)
    if address is None:
        raise RemoteProtocolError("the audio stream has no c= line")
    # Our audio port is in one IP version; what is nowhere is in none.
    same = (":" in address) == (":" in local.address) or is_hold_address(address) or not local.address
    return same and _is_host_address(address)


@lru_cache(maxsize=256)
def _is_host_address(text: str) -> bool:
    """Whether RTP can be sent there as it stands: no name to look up, no group of hosts."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not address.is_multicast and text != "255.255.255.255"


def _find(payloads: tuple[Payload, ...] | list[Payload], wanted: Payload) -> Payload | None:
    for payload in payloads:
        if payload.same_codec(wanted):
            return payload
    return None


def _both(ours: str, allowed: str) -> str:
    """The direction that both `ours` and `allowed` leave, from our side."""
    sends = "send" in ours and "send" in allowed
    receives = "recv" in ours and "recv" in allowed
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _without_receiving(direction: str) -> str:
    return "sendonly" if "send" in direction else "inactive"


def _negotiated(
    theirs: SessionDescription,
    media: Media,
    send: tuple[Payload, ...],
    receive: tuple[Payload, ...],
    direction: str,
    wanted: str,
    mux: bool,
    secured: Secured | None,
) -> Negotiated:
    address = theirs.address_of(media)
    remote = None if address is None or is_hold_address(address) else (address, media.port)
    audio = next((payload for payload in send if payload.codec.lower() not in _NO_VOICE), None)
    clock = audio.clock if audio is not None else 0
    noise = next((payload for payload in send if payload.codec.lower() == "cn" and payload.clock == clock), None)
    return Negotiated(
        remote=remote,
        remote_rtcp=_rtcp_address(media, remote, mux),
        send=audio,
        receive=receive,
        send_events=_events_for(send, audio),
        send_noise=noise,
        ptime=min(media.ptime or 20, media.maxptime or 200),
        direction=direction,
        held_by_remote="recv" not in wanted,
        version=theirs.origin.version,
        rtcp_mux=mux,
        secured=secured,
        send_metrics=media.voip_metrics,
    )


def _events_for(payloads: tuple[Payload, ...], audio: Payload | None) -> Payload | None:
    """telephone-event at the clock of the audio codec (RFC 4733 2.1 wants them alike), else any."""
    events = [payload for payload in payloads if payload.codec.lower() == _EVENT]
    clock = audio.clock if audio is not None else 8000
    return next((payload for payload in events if payload.clock == clock), events[0] if events else None)


def _rtcp_address(media: Media, remote: tuple[str, int] | None, mux: bool) -> tuple[str, int] | None:
    if remote is None or mux:
        return remote
    said = media.rtcp
    if said is not None:
        host = said[0] if said[0] and _is_host_address(said[0]) else remote[0]
        return host, said[1]
    return (remote[0], remote[1] + 1) if remote[1] < 65535 else None
