"""Encrypted audio by the site's rules: who is answered how, what is refused and why, and that help is never refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange.audio import RtpPort
from appliance.site.model import Site
from tests.sim.party import Plan, TalkingCall
from tests.sim.phones import Phone
from tests.unit.exchange.office import Office, site

GCM, CM_80 = "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"


def with_rules(plain: Site | None = None, trunks: str = "optional", **desks: str) -> Site:
    """The office with a rule for each desk (`d201="required"`) and for its trunks."""
    plain = plain or site()
    replace = msgspec.structs.replace
    return replace(
        plain,
        extensions=tuple(replace(one, srtp=desks.get(f"d{one.number}", "optional")) for one in plain.extensions),
        trunks=tuple(replace(one, srtp=trunks) for one in plain.trunks),
    )


def desk(office: Office, extension: str, srtp: str, **reaction: Any) -> Phone:
    phone = office.desk(extension, **reaction)
    phone.srtp = srtp
    return phone


def row(office: Office, call: TalkingCall) -> RtpPort:
    (found,) = [one for one in office.engine.rows.values() if isinstance(one, RtpPort) and one.remote == call.media]
    return found


def keyed(office: Office, call: TalkingCall) -> str:
    """The suite of a party's port, after a look that both directions have each other's key."""
    port, negotiated = row(office, call), call.negotiated
    assert negotiated is not None
    if negotiated.secured is None:
        assert port.protect is None and port.unprotect is None
        return ""
    assert port.protect is not None and port.unprotect is not None
    assert (port.protect.key, port.unprotect.key) == (negotiated.secured.theirs, negotiated.secured.ours)
    assert port.protect.suite == port.unprotect.suite == negotiated.secured.suite
    return port.protect.suite


def suites(office: Office) -> list[str]:
    """As the live view shows the legs of the only call."""
    (call,) = office.exchange.calls()
    return [leg.srtp for leg in call.legs]


def other_end(phone: Phone) -> TalkingCall:
    (call,) = phone.calls.values()
    return call


def test_a_secure_and_a_plain_phone_are_bridged() -> None:
    office = Office(with_rules())
    caller, called = desk(office, "201", "required"), desk(office, "202", "off")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.up and office.hears(call) == {"202"}, 10)
    assert keyed(office, call) == GCM and keyed(office, other_end(called)) == ""
    assert suites(office) == [GCM, ""]
    call.hang_up()
    office.run(2.0)
    assert [(one.srtp, one.codec) for one in office.told(ev.LegAnswered)] == [("", "PCMU"), (GCM, "PCMU")]
    assert [one.srtp for one in office.told(ev.LegAudio)] == [GCM, ""]
    office.close()


def test_required_offers_the_phone_nothing_else() -> None:
    office = Office(with_rules(d202="required"))
    caller, called = desk(office, "201", "off"), desk(office, "202", "optional")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.up, 10)
    assert (keyed(office, call), keyed(office, other_end(called))) == ("", GCM)
    office.close()


def test_required_refuses_a_plain_call_at_once_and_says_why() -> None:
    office = Office(with_rules(d201="required"))
    caller, called = desk(office, "201", "off"), desk(office, "202", "off")
    heard: list[str] = []
    called.trace = heard.append
    call = office.dials(caller, "202")
    assert (call.status, call.over, called.incoming) == (488, True, 0)
    assert office.ending() == ("no-encryption", 88)
    office.close()


@pytest.mark.parametrize(("rule", "phone"), [("off", "required"), ("required", "off"), ("optional", "required")])
def test_a_phone_that_is_set_otherwise_is_not_reached(rule: str, phone: str) -> None:
    why = "no-encryption" if rule == "required" else "no-codec"
    office = Office(with_rules(d202=rule))
    caller = desk(office, "201", "off")
    desk(office, "202", phone)
    call = office.dials(caller, "202")
    assert office.until(lambda: call.over, 30)
    assert call.status == 488 and office.ending()[0] == why
    office.close()


def test_off_refuses_a_phone_that_must_encrypt() -> None:
    office = Office(with_rules(d201="off"))
    call = office.dials(desk(office, "201", "required"), "202")
    assert (call.status, office.ending()[0]) == (488, "no-encryption")
    office.close()


def test_hold_resume_and_the_keys_stay() -> None:
    office = Office(with_rules(d202="required"))
    caller = desk(office, "201", "required")
    called = desk(office, "202", "optional")
    call = office.dials(caller, "202", plan=Plan(talk=1000.0, holds=[(2.0, 2.0, "sendonly"), (6.0, 1.0, "inactive")]))
    assert office.until(lambda: call.up, 10)
    before = row(office, call), row(office, other_end(called))
    for _ in range(20):
        office.run(0.5)
        assert keyed(office, call) == keyed(office, other_end(called)) == GCM
    after = row(office, call), row(office, other_end(called))
    assert [(one.protect, one.unprotect) for one in before] == [(one.protect, one.unprotect) for one in after]
    assert [type(one).__name__ for one in office.told(ev.LegHeld)] == ["LegHeld"] * 2
    office.close()


def test_a_party_that_gives_itself_other_keys_in_a_call() -> None:
    office = Office(with_rules())
    caller, called = desk(office, "201", "required"), desk(office, "202", "off")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.up, 10)
    first = row(office, call)
    others = tuple(msgspec.structs.replace(one, key=bytes(len(one.key))) for one in call.local.keys)
    call.local = msgspec.structs.replace(call.local, keys=others)
    call.redirect("sendrecv")
    office.run(2.0)
    assert keyed(office, call) == GCM
    second = row(office, call)
    assert second.protect == first.protect and second.unprotect != first.unprotect
    assert second.generation == first.generation, "same address: its source stays"
    assert called.calls
    office.close()


def test_from_secure_to_plain_and_back_takes_a_key_that_was_never_used() -> None:
    office = Office(with_rules())
    caller = desk(office, "201", "required")
    desk(office, "202", "off")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.up, 10)
    first, keys = row(office, call), call.local.keys
    call.local = msgspec.structs.replace(call.local, srtp="optional", suite="")
    call.redirect("sendrecv")
    office.run(2.0)
    assert keyed(office, call) == "" and suites(office) == ["", ""]
    call.local = msgspec.structs.replace(call.local, srtp="required", keys=keys)
    call.redirect("sendrecv")
    office.run(2.0)
    assert keyed(office, call) == GCM
    second = row(office, call)
    assert first.protect is not None and second.protect is not None and first.protect.key != second.protect.key
    office.close()


def test_required_keeps_a_call_that_is_to_become_plain_as_it_is() -> None:
    office = Office(with_rules(d201="required"))
    caller = desk(office, "201", "required")
    desk(office, "202", "off")
    call = office.dials(caller, "202")
    assert office.until(lambda: call.up, 10)
    kept = call.local
    call.local = msgspec.structs.replace(call.local, srtp="off", suite="")
    call.redirect("sendrecv")
    office.run(2.0)
    call.local = kept
    assert call.up and not call.over and keyed(office, call) == GCM
    office.close()


def test_every_phone_of_an_extension_is_offered_keys_of_its_own() -> None:
    office = Office(with_rules(d202="required"))
    caller = desk(office, "201", "off")
    phones = [desk(office, "202", "required", after=20.0), desk(office, "202", "required", after=2.0, early=True)]
    call = office.dials(caller, "202")
    office.run(0.5)
    offers = [other_end(phone).session for phone in phones]
    bodies = [offer.request.body for offer in offers if offer is not None and offer.request is not None]
    keys = [[line for line in body.splitlines() if line.startswith(b"a=crypto")] for body in bodies]
    assert len(keys[0]) == 3 and not set(keys[0]) & set(keys[1])
    assert office.until(lambda: call.up, 10)
    assert keyed(office, other_end(phones[1])) == GCM
    office.close()


def test_early_media_of_a_carrier_that_encrypts() -> None:
    office = Office(with_rules(trunks="required"))
    office.alpha.srtp = "required"
    office.reacts(office.alpha, early=True, ring=0.5, after=6.0)
    call = office.dials(desk(office, "201", "off"), "0398765432")
    office.run(2.0)
    assert office.hears(call) == {"alpha"} and not call.up
    assert keyed(office, other_end(office.alpha)) == GCM
    assert office.until(lambda: call.up, 10)
    assert keyed(office, other_end(office.alpha)) == GCM
    office.close()


@pytest.mark.parametrize("phone", ["off", "required"])
@pytest.mark.parametrize("rule", ["off", "optional", "required"])
@pytest.mark.parametrize("carrier", ["off", "required"])
@pytest.mark.parametrize("trunks", ["off", "optional", "required"])
def test_no_rule_stops_an_emergency_call(phone: str, rule: str, carrier: str, trunks: str) -> None:
    office = Office(with_rules(trunks=trunks, d201=rule))
    office.alpha.srtp = office.gamma.srtp = carrier
    for line in (office.alpha, office.gamma):
        office.reacts(line)
    call = office.dials(desk(office, "201", phone), "110")
    reached = trunks == "required" or carrier == "off"
    if not reached:
        # A carrier that must encrypt on a trunk that is not set so: nothing but the trunk's setting can help.
        assert office.until(lambda: call.over, 30)
    else:
        assert office.until(lambda: call.up, 30)
        assert office.hears(call) == {"alpha"}
        assert keyed(office, call) == (GCM if phone == "required" else "")
        assert keyed(office, other_end(office.alpha)) == (GCM if carrier == "required" else "")
    office.close()


def test_a_box_without_libsrtp_says_so_and_carries_plain_calls() -> None:
    office = Office(with_rules(trunks="required", d203="required"))
    office.box.table.abilities = frozenset({"opus"})
    for line in (office.alpha, office.gamma):
        office.reacts(line)
    secure, plain = desk(office, "201", "required"), desk(office, "202", "off")
    desk(office, "203", "optional")
    call = office.dials(secure, "202")
    assert (call.status, office.ending()[0]) == (488, "no-encryption")
    assert office.until(lambda: not office.exchange.calls(), 5)
    call = office.dials(plain, "203")
    assert office.until(lambda: call.over, 30), "what must be encrypted cannot be reached"
    call = office.dials(plain, "0398765432")
    assert office.until(lambda: call.over, 30)
    assert office.alpha.incoming == office.gamma.incoming == 0
    call = office.dials(plain, "119")
    assert office.until(lambda: call.up, 30), "help can"
    office.close()
