"""What persons and programs ask of the exchange, configuration in mid-flight, and errors of its own."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance import events as ev
from appliance.errors import CommandError
from appliance.exchange import audio, sip_events
from appliance.exchange.leg import Leg
from appliance.exchange.routing import Router
from appliance.sip.flow import Flow
from appliance.sip.session import Session
from tests.sim.party import Plan
from tests.unit.exchange.office import Office, inbound, site


def test_a_call_is_hung_up_by_command() -> None:
    office = Office()
    first, second = office.desk("201"), office.desk("202")
    call = office.dials(first, "202")
    office.run(2.0)
    (view,) = office.exchange.calls()
    office.box.do(lambda box, now: box.hangup(view.id, now))
    office.run(1.0)
    assert call.over
    assert not second.calls
    with pytest.raises(CommandError, match="no call"):
        office.box.do(lambda box, now: box.hangup(view.id, now))
    office.close()


def test_click_to_call_rings_the_desk_and_then_dials_for_it() -> None:
    office = Office()
    first, second = office.desk("201", after=2.0), office.desk("202", after=2.0)
    office.box.do(lambda box, now: box.originate("201", "202", now))
    office.run(1.0)
    assert (first.incoming, second.incoming) == (1, 0)
    office.run(2.0)
    call = next(iter(first.calls.values()))
    assert second.incoming == 1
    assert office.hears(call) == {"ringback"}
    office.run(2.0)
    assert office.hears(call) == {"202"}
    office.close()


def test_click_to_call_to_a_desk_that_does_not_answer_ends() -> None:
    office = Office()
    office.desk("201", "forever")
    office.box.do(lambda box, now: box.originate("201", "202", now))
    assert office.until(lambda: not office.exchange.calls(), 60)
    assert office.ending() == ("no-answer", 19)
    with pytest.raises(CommandError, match="No phone"):
        office.box.do(lambda box, now: box.originate("203", "202", now))
    office.close()


def test_shutting_down_ends_every_call_with_its_reason() -> None:
    office = Office(inbound("queue:support"))
    office.desk("201")
    office.available("aiko")
    talking = office.comes_in()
    waiting = office.comes_in()
    office.run(2.0)
    office.box.do(lambda box, now: box.shut_down(now))
    office.run(1.0)
    assert talking.over
    assert waiting.over
    assert {one.reason for one in office.told(ev.CallEnded)} == {"restart"}
    office.close()


def test_calls_go_on_when_everything_they_came_by_is_removed() -> None:
    office = Office(inbound("extension:203"))
    office.desk("203")
    call = office.comes_in()
    office.run(2.0)
    office.box.do(lambda box, now: box.configure(site(extensions=(), trunks=(), queues=(), agents=()), now))
    office.run(60.0)
    assert office.hears(call) == {"203"}
    office.close()


def test_a_call_is_spoken_to_in_its_language_to_the_end() -> None:
    office = Office(inbound("menu:main"))
    call = office.comes_in(plan=Plan(talk=60.0, keys=[(4.0, "2")]))
    office.run(1.0)
    assert office.engine.played[-1] == ("/text/en/welcome.wav",)
    plain = office.site
    japanese = msgspec.structs.replace(
        plain,
        site=msgspec.structs.replace(plain.site, language="ja"),
    )
    office.box.do(lambda box, now: box.configure(japanese, now))
    office.run(4.0)
    assert office.until(lambda: call.over, 60)
    assert office.engine.played[-1] == ("/fixed/en/not-registered.wav",)
    office.comes_in()
    office.run(1.0)
    assert office.engine.played[-1] == ("/text/ja/welcome.wav",)
    office.close()


def test_a_port_that_cannot_be_bound_is_exchanged_for_another() -> None:
    office = Office()
    office.desk("202")
    call = office.dials(office.desk("201"), "202")
    office.run(2.0)
    before = next(row for row in office.box.table.rows() if isinstance(row, audio.RtpPort) and row.remote == call.media)
    office.engine.report(audio.PortFailed(id=before.id, error="in use"))
    office.run(2.0)
    after = office.box.table.row(before.id)
    assert isinstance(after, audio.RtpPort)
    assert after.local != before.local
    assert call.negotiated is not None
    assert call.negotiated.remote == after.local
    office.close()


def test_calls_go_on_when_the_media_process_comes_back() -> None:
    office = Office()
    office.desk("202")
    call = office.dials(office.desk("201"), "202")
    office.run(2.0)
    office.engine.restart()
    office.run(2.0)
    assert office.hears(call) == {"202"}
    assert office.told(ev.MediaRestarted)
    office.close()


def test_an_error_of_ours_ends_that_call_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.strict = False
    office.desk("202")
    good = office.dials(office.desk("201"), "202")
    office.run(2.0)

    def broken(self: Router, *args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Router, "send", broken)
    bad = office.dials(office.desk("203"), "202")
    monkeypatch.undo()
    assert bad.status == 500
    assert office.ending() == ("internal-error", 41)
    (failed,) = office.told(ev.DecisionFailed)
    assert failed.call in office.box.story.endings
    assert "a bug" in failed.trace
    assert office.hears(good) == {"202"}
    assert office.exchange.failures == 1
    good.hang_up()
    office.run(1.0)
    assert not office.exchange.calls()


def test_an_error_at_the_end_of_a_call_leaves_no_call_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.strict = False
    second = office.desk("202")
    call = office.dials(office.desk("201"), "202")
    office.run(2.0)
    (view,) = office.exchange.calls()
    plain, broken = Leg.ended, []

    def ended(self: Leg, *args: Any) -> None:
        if not broken:
            broken.append(self)
            raise RuntimeError("a bug")
        plain(self, *args)

    monkeypatch.setattr(Leg, "ended", ended)
    office.box.do(lambda box, now: box.hangup(view.id, now))
    office.run(1.0)
    assert not office.exchange.calls()
    assert [one.call for one in office.told(ev.CallEnded)] == [view.id]
    assert office.exchange.failures == 1
    assert call.over
    assert not second.calls
    assert not office.exchange.context.phones.legs
    assert not office.box.table.ports_used


def test_an_invite_that_cannot_be_judged_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.strict = False
    phone = office.desk("201")

    def broken(*args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(sip_events, "identify", broken)
    assert office.dials(phone, "202").status == 500
    assert office.exchange.failures == 1


def test_an_error_of_one_part_leaves_the_timers_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.strict = False
    context, now = office.exchange.context, office.exchange.context.now
    done: list[str] = []

    def broken(*args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(context.center, "timeout", broken)
    monkeypatch.setattr(context.phones, "expire", broken)
    monkeypatch.setattr(context.phones.registrar, "deadline", lambda: now.mono)
    monkeypatch.setattr(context.phones, "flow_failed", broken)
    monkeypatch.setattr(context.trunks, "flow_failed", broken)
    context.after(0.0, None, lambda: done.append("timer"))
    office.exchange.timeout(now)
    assert done == ["timer"]
    office.exchange.flow_failed(Flow("tcp", ("10.0.0.1", 5060), ("10.9.9.9", 5060), 7), "gone", now)
    assert office.exchange.failures == 4


def test_an_error_within_sip_is_told_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    office.strict = False
    second = office.desk("202")
    call = office.dials(office.desk("201"), "202")
    office.run(2.0)

    def broken(*args: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Session, "on_request", broken)
    call.hang_up()
    office.run(2.0)
    failed = office.told(ev.DecisionFailed)
    assert "RuntimeError: a bug" in failed[0].error and "on_request" in failed[0].trace
    assert office.exchange.failures == len(failed) >= 1
    assert not office.exchange.context.endpoint.faults
    assert not office.exchange.calls() and not second.calls
