"""The registrar: several contacts, expiry, replacement, order, restart."""

from __future__ import annotations

import msgspec
import pytest

from appliance.clock import Instant
from appliance.sip.flow import Flow
from appliance.sip.message import Request, Response
from appliance.sip.registrar import Binding, BindingChange, Registrar, RegistrarLimits, sip_date

FLOW = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.50", 5060))
OTHER = Flow("udp", ("192.0.2.1", 5060), ("192.0.2.51", 33000))
TCP = Flow("tcp", ("192.0.2.1", 5060), ("192.0.2.50", 40000), 4)
NOW = Instant(100.0, 1_800_000_000.0)


class Phone:
    """Registers as extension 201 and counts its CSeq."""

    def __init__(self, registrar: Registrar, call_id: str = "phone@x", flow: Flow = FLOW) -> None:
        self.registrar, self.call_id, self.flow, self.cseq = registrar, call_id, flow, 0

    def request(self, *contacts: str, **fields: str) -> Request:
        self.cseq += 1
        request = Request("REGISTER", "sip:192.0.2.1")
        for name, value in (
            ("Via", "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bK1"),
            ("From", "<sip:201@192.0.2.1>;tag=1"),
            ("To", "<sip:201@192.0.2.1>"),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq} REGISTER"),
        ):
            request.headers.set(name, value)
        for contact in contacts:
            request.headers.add("Contact", contact)
        for name, value in fields.items():
            request.headers.set(name.replace("_", "-"), value)
        return request

    def register(self, *contacts: str, now: Instant = NOW, **fields: str) -> tuple[Response, list[BindingChange]]:
        return self.registrar.handle(self.request(*contacts, **fields), self.flow, now, "201")


def kinds(changes: list[BindingChange]) -> list[tuple[str, str]]:
    return [(change.kind, change.binding.uri) for change in changes]


def test_a_contact_is_kept_with_its_flow_and_told_back() -> None:
    registrar = Registrar()
    response, changes = Phone(registrar).register('"X" <sip:201@192.0.2.50:5060>', Expires="120", User_Agent="Snom")
    assert kinds(changes) == [("added", "sip:201@192.0.2.50:5060")]
    assert response.status == 200
    assert response.headers.get("Contact") == "<sip:201@192.0.2.50:5060>;expires=120"
    assert response.headers.get("Date") == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert response.to.tag
    (binding,) = registrar.lookup("201")
    assert (binding.flow, binding.user_agent, binding.expires) == (FLOW, "Snom", NOW.wall + 120)
    assert registrar.registered("201")
    assert not registrar.registered("202")
    assert registrar.lookup("202") == []


def test_a_refresh_is_no_second_contact() -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    phone.register("<sip:201@192.0.2.50>")
    _, changes = phone.register("<sip:201@192.0.2.50>", now=NOW.later(100))
    assert kinds(changes) == [("refreshed", "sip:201@192.0.2.50")]
    assert registrar.expire(NOW.later(301)) == []
    assert kinds(registrar.expire(NOW.later(400))) == [("removed", "sip:201@192.0.2.50")]
    assert len(registrar) == 0
    assert registrar.deadline() is None


def test_several_contacts_by_q_and_then_by_age() -> None:
    registrar = Registrar()
    Phone(registrar, "a").register("<sip:201@192.0.2.50>;q=0.5")
    Phone(registrar, "b").register("<sip:201@192.0.2.51>;q=0.9;expires=60")
    Phone(registrar, "c").register("<sip:201@192.0.2.52>;q=0.5", now=NOW.later(1))
    assert [binding.uri[-2:] for binding in registrar.lookup("201")] == ["51", "52", "50"]
    response, changes = Phone(registrar, "d").register()
    assert not changes, "a REGISTER without Contact only asks"
    assert len(response.contacts) == 3


def test_two_contacts_in_one_request_and_one_of_them_again() -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    _, changes = phone.register("<sip:201@192.0.2.50>, <sip:201@192.0.2.51>")
    assert [kind for kind, _ in kinds(changes)] == ["added", "added"]
    _, changes = phone.register("<sip:201@192.0.2.50>", "<sip:201@192.0.2.51>")
    assert [kind for kind, _ in kinds(changes)] == ["refreshed", "refreshed"]


@pytest.mark.parametrize("by", ["header", "parameter", "star"])
def test_logging_out(by: str) -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    phone.register("<sip:201@192.0.2.50>")
    if by == "header":
        response, changes = phone.register("<sip:201@192.0.2.50>", Expires="0")
    elif by == "parameter":
        response, changes = phone.register("<sip:201@192.0.2.50>;expires=0")
    else:
        response, changes = phone.register("*", Expires="0")
    assert kinds(changes) == [("removed", "sip:201@192.0.2.50")]
    assert response.status == 200
    assert not response.contacts
    assert len(registrar) == 0
    assert phone.register("<sip:201@192.0.2.50>", Expires="0")[1] == []


@pytest.mark.parametrize(
    ("contacts", "fields", "status"),
    [
        (("*",), {"Expires": "300"}, 400),
        (("*",), {}, 400),
        (("*", "<sip:201@192.0.2.50>"), {"Expires": "0"}, 400),
        (("<sip:201@192.0.2.50>",), {"Expires": "59"}, 423),
        (("<sip:201@192.0.2.50>;expires=10",), {"Expires": "300"}, 423),
        (("<sip:201@192.0.2.50>", "<tel:+813>"), {}, 416),
        (tuple(f"<sip:201@192.0.2.{n}>" for n in range(11)), {}, 403),
    ],
)
def test_what_is_refused_changes_nothing(contacts: tuple[str, ...], fields: dict[str, str], status: int) -> None:
    registrar = Registrar()
    Phone(registrar, "old").register("<sip:201@192.0.2.99>")
    response, changes = Phone(registrar).register(*contacts, **fields)
    assert (response.status, changes) == (status, [])
    assert [binding.uri for binding in registrar.lookup("201")] == ["sip:201@192.0.2.99"]
    if status == 423:
        assert response.min_expires == 60


def test_expiry_is_bounded_and_has_a_default() -> None:
    registrar = Registrar(RegistrarLimits(default_expires=200, max_expires=900))
    phone = Phone(registrar)
    for text, granted in (("99999999999", 900), ("soon", 200)):
        response, _ = phone.register("<sip:201@192.0.2.50>", Expires=text)
        assert response.contacts[0].params["expires"] == str(granted)


def test_an_old_request_of_the_same_call_id_is_refused() -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    late = phone.request("<sip:201@192.0.2.50>", Expires="0")
    phone.register("<sip:201@192.0.2.50>")
    response, changes = registrar.handle(late, FLOW, NOW, "201")
    assert (response.status, changes) == (500, [])
    star = Phone(registrar)
    assert star.register("*", Expires="0")[0].status == 500
    assert Phone(registrar, "rebooted").register("*", Expires="0")[0].status == 200


def test_a_repeated_request_changes_nothing_and_is_answered_alike() -> None:
    registrar = Registrar()
    request = Phone(registrar).request("<sip:201@192.0.2.50>")
    first, _ = registrar.handle(request, FLOW, NOW, "201")
    again, changes = registrar.handle(request, FLOW, NOW.later(2), "201")
    assert (again.status, changes) == (200, [])
    assert again.to.tag == first.to.tag
    assert again.contacts[0].params["expires"] == "298"


def test_the_same_device_with_another_address_replaces_its_contact() -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    phone.register("<sip:201@192.0.2.50:5062>")
    _, changes = phone.register("<sip:201@192.0.2.50:5099>")
    assert kinds(changes) == [("removed", "sip:201@192.0.2.50:5062"), ("added", "sip:201@192.0.2.50:5099")]
    instance = '<sip:201@{}>;+sip.instance="<urn:uuid:1>"'
    Phone(registrar, "boot-1").register(instance.format("192.0.2.60"))
    _, changes = Phone(registrar, "boot-2").register(instance.format("192.0.2.61"))
    assert [kind for kind, _ in kinds(changes)] == ["removed", "added"]
    assert len(registrar) == 2
    response, _ = Phone(registrar, "boot-3").register()
    assert any(contact.params.get("+sip.instance") == "<urn:uuid:1>" for contact in response.contacts)


def test_a_phone_that_boots_for_ever_does_not_lock_itself_out() -> None:
    registrar = Registrar()
    for number in range(30):
        response, _ = Phone(registrar, f"boot-{number}").register(
            f"<sip:201@192.0.2.50:{6000 + number}>", now=NOW.later(number)
        )
        assert response.status == 200
    assert len(registrar) == 10
    assert registrar.lookup("201")[0].uri.endswith("6029")


def test_path_is_kept_where_it_is_supported() -> None:
    registrar = Registrar()
    response, changes = Phone(registrar).register(
        "<sip:201@192.0.2.50>", Path="<sip:edge.example;lr>", Supported="path"
    )
    assert changes[0].binding.path == ("<sip:edge.example;lr>",)
    assert response.headers.get("Path") == "<sip:edge.example;lr>"
    _, changes = Phone(registrar, "other").register("<sip:201@192.0.2.51>", Path="<sip:edge.example;lr>")
    assert changes[0].binding.path == ()


def test_bindings_survive_a_restart_and_a_jump_of_the_clock() -> None:
    registrar = Registrar()
    Phone(registrar, "a").register("<sip:201@192.0.2.50>", Expires="100")
    Phone(registrar, "b", OTHER).register("<sip:201@192.168.0.9>", Expires="600")
    Phone(registrar, "c", TCP).register("<sip:201@192.0.2.50;transport=tcp>", Expires="600")
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(registrar.bindings()), type=list[Binding])
    again = Registrar()
    restarted = Instant(5.0, NOW.wall + 200)
    assert len(again.restore(kept, restarted)) == 2
    flows = {binding.uri: binding.flow for binding in again.lookup("201")}
    assert flows == {"sip:201@192.168.0.9": OTHER, "sip:201@192.0.2.50;transport=tcp": None}
    assert again.deadline() == 405.0
    far = Registrar()
    far.restore(kept, Instant(5.0, NOW.wall - 86_400 * 365))
    assert far.deadline() is not None
    assert far.deadline() <= 5.0 + 3_600, "a clock that was set back keeps no binding for a year"  # type: ignore[operator]


def test_a_lost_connection_leaves_the_contact() -> None:
    registrar = Registrar()
    Phone(registrar, "c", TCP).register("<sip:201@192.0.2.50;transport=tcp>")
    changes = registrar.lose_flow(TCP)
    assert [change.binding.flow for change in changes] == [None]
    assert registrar.lookup("201")[0].flow is None
    assert registrar.lose_flow(TCP) == []


def test_an_extension_that_is_no_more() -> None:
    registrar = Registrar()
    Phone(registrar).register("<sip:201@192.0.2.50>")
    assert len(registrar.remove("201")) == 1
    assert registrar.remove("201") == []
    assert registrar.expire(NOW.later(1_000)) == []


def test_the_heap_of_expiries_stays_small() -> None:
    registrar = Registrar()
    phone = Phone(registrar)
    for second in range(2_000):
        phone.register("<sip:201@192.0.2.50>", now=NOW.later(second))
    assert len(registrar._due) <= 65
    assert registrar.expire(NOW.later(2_290)) == []
    assert len(registrar.expire(NOW.later(2_300))) == 1


def test_dates_are_english_whatever_the_locale() -> None:
    assert sip_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"
