"""a=crypto (RFC 4568) on its own, and what offers and answers make of it."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import RemoteProtocolError
from appliance.sip.offer_answer import Local, Negotiated, accept, answer, make_offer, refresh_offer, srtp_refusal
from appliance.sip.sdes import (
    AES_CM_32,
    AES_CM_80,
    AES_GCM,
    KEY_BYTES,
    MATERIAL,
    Crypto,
    Secured,
    offered_in,
    own_keys,
    parse,
)
from appliance.sip.sdp import SessionDescription

RFC_KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
"""The key of RFC 4568's own examples."""


def side(port: int, srtp: str, first: int = 0, **changes: object) -> Local:
    keys = own_keys(bytes((first + at) % 256 for at in range(MATERIAL)))
    return msgspec.structs.replace(Local("192.0.2.1", port, srtp=srtp, keys=keys), **changes)


def lines(body: bytes, start: str) -> list[str]:
    return [line for line in body.decode().splitlines() if line.startswith(start)]


def secured(negotiated: Negotiated) -> Secured:
    assert negotiated.secured is not None
    return negotiated.secured


# --- one attribute
@pytest.mark.parametrize(
    "value",
    [
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}|2^20",
        f"1  AES_CM_128_HMAC_SHA1_80\tinline:{RFC_KEY}|1048576",
        f"1 aes_cm_128_hmac_sha1_80 INLINE:{RFC_KEY} WSH=64 KDR=0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY} -unknown=1 -x ",
    ],
)
def test_a_key_that_can_be_used(value: str) -> None:
    crypto = parse(value)
    assert crypto == Crypto(1, AES_CM_80, base64.b64decode(RFC_KEY))
    assert parse(str(crypto)) == crypto


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}",
        f"1 F8_128_HMAC_SHA1_80 inline:{RFC_KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}|2^20|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY};inline:{RFC_KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}|0",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY[:-4]}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY}AAAA",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY} KDR=5",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{RFC_KEY} FEC_ORDER=FEC_SRTP",
        f"1 AEAD_AES_128_GCM inline:{RFC_KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 100_000,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + RFC_KEY + " x" * 50_000,
    ],
)
def test_a_key_that_cannot(value: str) -> None:
    assert parse(value) is None


def test_padding_may_be_left_out() -> None:
    key = bytes(28)
    text = base64.b64encode(key).decode()
    for written in (text, text.rstrip("=")):
        assert parse(f"3 AEAD_AES_128_GCM inline:{written}") == Crypto(3, AES_GCM, key)


@given(st.text(max_size=200))
def test_nothing_is_raised_by_what_comes(text: str) -> None:
    parse(text)
    parse(f"1 AES_CM_128_HMAC_SHA1_80 inline:{text}")


def test_no_key_is_ever_printed() -> None:
    crypto = Crypto(1, AES_CM_80, b"secret" * 5)
    shown = repr(crypto) + repr(Secured(AES_CM_80, crypto.key, crypto.key)) + repr(side(4000, "required", 1))
    assert "secret" not in shown and base64.b64encode(b"secret" * 5).decode() not in shown
    assert repr(own_keys(b"secret" * 20)[0].key) not in repr(own_keys(b"secret" * 20))


# --- offer and answer
def test_both_sides_agree_on_the_keys_of_both_directions() -> None:
    us, them = side(4000, "required"), side(5000, "optional", 100)
    offer = make_offer(us)
    assert [line.split()[1] for line in lines(offer, "a=crypto:")] == list(KEY_BYTES)
    assert lines(offer, "m=")[0].startswith("m=audio 4000 RTP/SAVP ")
    body, theirs = answer(them, offer)
    ours = accept(us, body)
    assert secured(ours).suite == AES_GCM
    assert (secured(ours).ours, secured(ours).theirs) == (secured(theirs).theirs, secured(theirs).ours)
    assert len({crypto.key for crypto in us.keys}) == 3, "no key serves two suites"


def test_who_offers_plain_gets_plain_from_optional_and_nothing_from_required() -> None:
    plain = make_offer(Local("192.0.2.9", 6000))
    assert make_offer(side(4000, "optional")) == make_offer(Local("192.0.2.1", 4000))
    body, agreed = answer(side(4000, "optional"), plain)
    assert agreed.secured is None and not lines(body, "a=crypto")
    with pytest.raises(RemoteProtocolError, match="Only encrypted audio") as caught:
        answer(side(4000, "required"), plain)
    assert caught.value.status == 488
    with pytest.raises(RemoteProtocolError, match="is off here") as caught:
        answer(side(4000, "off"), make_offer(side(6000, "required")))
    assert caught.value.status == 488
    with pytest.raises(RemoteProtocolError, match="not built"):
        answer(side(4000, "optional", keys=()), make_offer(side(6000, "required")))


def test_the_beginning_of_a_call_is_refused_for_srtp_alone() -> None:
    plain, secure = make_offer(Local("192.0.2.9", 6000)), make_offer(side(6000, "required"))
    assert srtp_refusal(side(4000, "optional"), plain) == srtp_refusal(side(4000, "optional"), secure) == ""
    assert srtp_refusal(side(4000, "preferred"), plain) == srtp_refusal(side(4000, "required"), secure) == ""
    assert "Only encrypted" in srtp_refusal(side(4000, "required"), plain)
    assert "off here" in srtp_refusal(side(4000, "off"), secure)
    assert "not built" in srtp_refusal(side(4000, "required", keys=()), plain)
    assert "AEAD_AES_128_GCM" in srtp_refusal(side(4000, "optional"), secure.replace(b"inline:", b"inline:A"))
    assert srtp_refusal(side(4000, "required"), b"rubbish") == "", "that has another reason"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b"a=crypto:1 ", b"a=crypto:9 "), "a tag that was not offered"),
        ((b"AEAD_AES_128_GCM", b"AES_CM_128_HMAC_SHA1_80"), "another suite under that tag"),
        ((b"a=crypto:", b"a=krypto:"), "no key at all"),
        ((b" inline:", b" inline:A"), "a key of the wrong size"),
    ],
)
def test_an_answer_that_takes_none_of_our_keys(change: tuple[bytes, bytes], why: str) -> None:
    us = side(4000, "required")
    body, _ = answer(side(5000, "optional", 100), make_offer(us))
    with pytest.raises(RemoteProtocolError) as caught:
        accept(us, body.replace(*change))
    assert caught.value.status == 488, why


def test_a_plain_answer_to_a_secure_offer() -> None:
    body, _ = answer(Local("192.0.2.9", 6000), make_offer(Local("192.0.2.1", 4000)))
    with pytest.raises(RemoteProtocolError):
        accept(side(4000, "required"), body)
    assert accept(side(4000, "preferred"), body).secured is None, "somebody calls for help"
    with pytest.raises(RemoteProtocolError):
        accept(side(4000, "optional"), body.replace(b"RTP/AVP", b"RTP/SAVP"))


def test_hold_and_other_offers_of_ours_keep_the_keys() -> None:
    us, them = side(4000, "optional"), side(5000, "required", 100)
    offer = make_offer(them)
    body, agreed = answer(us, offer)
    us = msgspec.structs.replace(us, suite=secured(agreed).suite)
    again = refresh_offer(us, body)
    assert lines(again, "m=") == lines(body, "m=") and len(lines(again, "a=crypto:")) == 1
    them_after, theirs = answer(msgspec.structs.replace(them, suite=AES_GCM), again, offer)
    assert secured(accept(us, them_after)) == secured(agreed)
    held = make_offer(msgspec.structs.replace(them, direction="sendonly"))
    body, second = answer(us, held, body)
    assert secured(second) == secured(agreed) and second.held_by_remote
    assert secured(theirs).theirs == secured(agreed).ours


def test_the_suite_in_use_stays_though_another_is_now_named_first() -> None:
    us, them = side(4000, "optional", suite=AES_CM_80), side(5000, "required", 100)
    _, agreed = answer(us, make_offer(them))
    assert secured(agreed).suite == AES_CM_80
    only = make_offer(msgspec.structs.replace(them, keys=them.keys[2:]))
    _, agreed = answer(us, only)
    assert secured(agreed).suite == AES_CM_32


def test_best_effort_stays_in_its_profile() -> None:
    us, them = side(4000, "optional"), side(5000, "required", 100)
    offer = make_offer(them).replace(b"RTP/SAVP", b"RTP/AVP")
    body, agreed = answer(us, offer)
    assert lines(body, "m=")[0].startswith("m=audio 4000 RTP/AVP ") and agreed.secured is not None
    us = msgspec.structs.replace(us, suite=secured(agreed).suite)
    assert lines(refresh_offer(us, body), "m=") == lines(body, "m=")
    # To who may not encrypt, the keys are nothing, and nothing is answered to them.
    body, agreed = answer(Local("192.0.2.1", 4000), offer)
    assert agreed.secured is None and not lines(body, "a=crypto:")


def test_of_a_hundred_keys_some_are_looked_at() -> None:
    body = make_offer(side(5000, "required"))
    many = b"".join(b"a=crypto:%d AES_CM_128_HMAC_SHA1_80 inline:%s\r\n" % (n, RFC_KEY.encode()) for n in range(300))
    (media,) = SessionDescription.parse(body + many).media
    assert 3 < len(offered_in(media)) <= 32
