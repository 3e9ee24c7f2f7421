"""The process dies and is back: who talks goes on talking and notices nothing, everybody else is told it is over."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange import takeover
from appliance.exchange.audio import Detector, Mix, Recorder, RtpPort
from appliance.exchange.kept import KeptCall, KeptRecorder, keep
from appliance.exchange.recording import CallRecorder
from appliance.exchange.view import CallView
from appliance.sip import sdes
from appliance.site.model import SiteInfo
from tests.sim.party import Plan, TalkingCall
from tests.sim.phones import Phone
from tests.unit.exchange.office import LONG, Office, inbound, site

RECORDED = SiteInfo(name="Office", language="en", timezone="Asia/Tokyo", record="always")


def back(office: Office, away: float = 5.0) -> tuple[str, ...]:
    """Kills the box and starts it again; the calls that it took over."""
    office.run(0.1)  # the store's thread writes within 60 ms
    office.box.kill()
    office.run(away)
    taken = office.box.restart(office.site).taken
    office.run(0.5)
    return taken


def other(phone: Phone) -> TalkingCall:
    """The phone's only call."""
    (call,) = phone.calls.values()
    return call


def internal(configured: Any = None) -> tuple[Office, TalkingCall, TalkingCall]:
    """201 talks to 202."""
    office = Office(configured or site(site=RECORDED))
    first, second = office.desk("201"), office.desk("202")
    call = office.dials(first, "202")
    office.run(3.0)
    assert office.hears(call) == {"202"}
    return office, call, other(second)


def live(office: Office) -> CallView:
    (call,) = office.exchange.calls()
    return call


def record(office: Office) -> Any:
    """The record of the only call there was."""
    (one,) = office.box.story.projection.dirty.values()
    return one


def test_a_conversation_goes_on_and_nothing_changes_for_the_audio() -> None:
    office, caller, called = internal()
    before, rows = live(office), dict(office.engine.rows)
    assert back(office) == (before.id,)
    assert office.engine.rows == rows
    assert office.engine.changes == {}
    assert (office.hears(caller), office.hears(called)) == ({"202"}, {"201"})
    assert live(office) == before
    (told,) = office.told(ev.CallTakenOver)
    assert (told.call, set(told.legs), told.held) == (before.id, {leg.id for leg in before.legs}, ())
    assert told.away == pytest.approx(5.0, abs=0.1)
    caller.hang_up()
    office.run(1.0)
    assert called.over
    assert office.ending() == ("answered", 16)
    office.close()
    one = record(office)
    assert (one.talk, one.hold) == (pytest.approx(7.0, abs=1.0), 0.0)
    assert [type(event).__name__ for event in office.told(ev.Event)].count("RecordingStarted") == 1
    (stopped,) = office.told(ev.RecordingStopped)
    assert (stopped.reason, stopped.seconds) == ("ended", pytest.approx(one.talk, abs=0.1))


@pytest.mark.parametrize("who", ["caller", "called", "api"])
def test_each_side_can_hang_up(who: str) -> None:
    office, caller, called = internal()
    (number,) = back(office)
    if who == "api":
        office.box.do(lambda box, now: box.hangup(number, now))
    else:
        (caller if who == "caller" else called).hang_up()
    office.run(1.0)
    assert caller.over and called.over
    office.close()


@pytest.mark.parametrize("who", ["caller", "called"])
def test_each_side_can_hold_and_resume(who: str) -> None:
    office, caller, called = internal()
    holder, held = (caller, called) if who == "caller" else (called, caller)
    back(office)
    holder.redirect("sendonly")
    office.run(2.0)
    assert office.hears(held) == {"music"}
    assert live(office).state == "held"
    holder.redirect("sendrecv")
    office.run(1.0)
    assert office.hears(held) == {holder.party.name}
    held.hang_up()
    office.run(1.0)
    office.close()
    assert record(office).hold == pytest.approx(2.0, abs=0.2)


def test_a_call_on_hold_stays_so_with_its_music() -> None:
    office, caller, called = internal()
    caller.redirect("sendonly")
    office.run(1.0)
    rows = dict(office.engine.rows)
    assert len(back(office)) == 1
    assert office.engine.rows == rows
    assert office.hears(called) == {"music"}
    assert live(office).state == "held"
    caller.redirect("sendrecv")
    office.run(1.0)
    assert (office.hears(caller), office.hears(called)) == ({"202"}, {"201"})
    caller.hang_up()
    office.run(1.0)
    office.close()
    assert record(office).hold == pytest.approx(6.6, abs=0.5)


def test_a_queues_caller_keeps_the_agent_who_wraps_up_afterwards() -> None:
    office = Office(inbound("queue:support", site=RECORDED))
    aiko = office.desk("201")
    office.available("aiko")
    caller = office.comes_in()
    office.run(3.0)
    since = next(one.since for one in office.exchange.agents() if one.id == "aiko")
    rows = dict(office.engine.rows)
    assert {type(row) for row in rows.values()} == {RtpPort, Mix, Recorder, Detector}
    (number,) = back(office, 20.0)
    assert office.engine.rows == rows
    agent = next(one for one in office.exchange.agents() if one.id == "aiko")
    assert (agent.state, agent.call, agent.since) == ("talking", number, since)
    assert (live(office).queue, live(office).agent) == ("support", "aiko")
    assert [line.busy for line in office.exchange.trunks()] == [1, 0]
    other(aiko).redirect("inactive")
    office.run(1.0)
    assert office.state("aiko") == "hold"
    other(aiko).redirect("sendrecv")
    office.run(1.0)
    second = office.comes_in()
    assert office.hears(second) == {"position 1"}
    caller.hang_up()
    office.run(1.0)
    assert office.state("aiko") == "wrap-up"
    assert [line.busy for line in office.exchange.trunks()] == [1, 0]
    office.run(7.0)
    assert office.hears(second) == {"201"}, "the next caller is served"
    second.hang_up()
    office.run(1.0)
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["answered", "answered"]
    office.close()


def test_the_whole_conversation_counts_for_the_agent_though_it_was_held_before() -> None:
    office = Office(inbound("queue:support"))
    aiko = office.desk("201")
    office.available("aiko")
    caller = office.comes_in()
    office.run(30.0)
    other(aiko).redirect("inactive")
    office.run(1.0)
    other(aiko).redirect("sendrecv")
    office.run(4.0)
    since = next(one.since for one in office.exchange.agents() if one.id == "aiko")
    back(office)
    assert next(one.since for one in office.exchange.agents() if one.id == "aiko") == since
    caller.hang_up()
    office.run(1.0)
    agent = office.exchange.context.center.agent("aiko")
    assert agent is not None and agent.talk_seconds == pytest.approx(41.0, abs=2.0)
    office.close()


def test_a_wideband_recording_that_the_ledger_does_not_know_is_told_as_such() -> None:
    office, caller, _ = internal()
    (call,) = office.exchange.context.calls.values()
    kept = call.recorder.kept()
    assert kept is not None and kept.row is not None
    wide = msgspec.structs.replace(kept, row=msgspec.structs.replace(kept.row, rate=16000))
    office.strict = False  # the ledger of the test knows it all the same
    office.box.do(lambda box, now: call.recorder.restore(wide, False))
    assert [one.rate for one in office.told(ev.RecordingStarted)] == [8000, 16000]
    caller.hang_up()
    office.run(1.0)


def test_keys_that_were_sent_are_not_stored_and_their_absence_is_no_difference() -> None:
    office = Office()
    office.reacts(office.alpha)
    caller = office.dials(office.desk("201"), "0312345678")
    office.run(3.0)
    pin = "4711#0815"
    office.box.do(lambda box, now: box.press_keys(live(office).id, pin, "", "web:sue", now))
    offers: list[bytes] = []
    send = office.network.send

    def tap(flow: Any, data: bytes) -> None:
        if data.startswith((b"INVITE", b"UPDATE")):
            offers.append(data)
        send(flow, data)

    office.network.send = tap  # type: ignore[method-assign]
    office.run(0.1)
    office.box.stored()
    assert office.box.calls and not any(pin.encode() in data for data in office.box.calls.values())
    assert len(back(office)) == 1
    office.run(10.0)
    assert not offers, "nothing has to be agreed on anew"
    (row,) = (row for row in office.engine.rows.values() if isinstance(row, RtpPort) and row.press_generation)
    assert (row.press, row.press_generation) == ("", 9)
    office.box.do(lambda box, now: box.press_keys(live(office).id, "2", "", "web:sue", now))
    office.run(0.1)
    assert {(row.press, row.press_generation) for row in office.engine.rows.values() if isinstance(row, RtpPort)} >= {
        ("2", 10)
    }
    caller.hang_up()
    office.run(1.0)
    office.close()


def test_an_agent_who_logged_out_while_talking_is_logged_out_afterwards() -> None:
    office = Office(inbound("queue:support"))
    office.desk("201")
    office.available("aiko")
    caller = office.comes_in()
    office.run(3.0)
    office.box.do(lambda box, now: box.set_agent_status("aiko", "logged-out", "", "test", now))
    back(office)
    assert office.state("aiko") == "talking"
    caller.hang_up()
    office.run(1.0)
    assert office.state("aiko") == "logged-out"
    office.close()


def test_an_extensions_own_call_makes_its_agent_talk() -> None:
    office, caller, _ = internal()
    office.available("ben")
    assert office.state("ben") == "talking"
    back(office)
    assert office.state("ben") == "talking"
    caller.hang_up()
    office.run(1.0)
    assert office.state("ben") == "idle"
    office.close()


def test_menus_queues_and_echoes_are_ended_and_their_callers_told() -> None:
    office = Office(inbound("queue:support"))
    desk = office.desk("203")
    office.desk("201", "forever")
    office.available("aiko")
    waiting, menu, echo = office.comes_in(), office.dials(desk, "790"), office.dials(desk, "*43")
    office.run(1.0)
    assert office.state("aiko") == "offered"
    assert back(office, 1.0) == ()
    assert waiting.over and menu.over and echo.over
    assert {waiting.reason, menu.reason, echo.reason} == {41}
    assert office.exchange.calls() == []
    assert office.engine.rows == {}
    assert office.state("aiko") == "idle"
    assert {one.reason for one in office.told(ev.CallEnded)} == {"restart"}
    assert [one.outcome for one in office.told(ev.QueueLeft)] == ["restart"]
    office.close()


@pytest.mark.parametrize("answers", [False, True], ids=["still rings", "answered meanwhile"])
def test_who_rings_and_who_hears_it_are_told(answers: bool) -> None:
    """Neither has been answered, so that neither has a dialog that BYE could end."""
    office = Office(inbound("extension:201"))
    phone = office.desk("201", after=3.0) if answers else office.desk("201", "forever")
    caller = office.comes_in()
    office.run(1.0)
    (rung,) = phone.calls.values()
    assert office.box.stored() == 2, "kept since it rings"
    assert back(office, 3.0) == ()
    office.run(6.0)
    assert caller.over and caller.reason == 41
    assert rung.over
    assert phone.calls == {} or all(one.over for one in phone.calls.values())
    assert office.exchange.calls() == [] and office.engine.rows == {}
    assert [one.reason for one in office.told(ev.CallEnded)] == ["restart"]
    office.close()


def test_who_hangs_up_while_nobody_listens_is_heard_afterwards() -> None:
    office, caller, called = internal()
    office.run(0.1)
    office.box.kill()
    office.run(2.0)
    caller.hang_up()
    office.run(8.0)
    assert caller.over and not called.over
    office.box.restart(office.site)
    office.run(8.0)
    assert called.over, "the BYE is still being repeated"
    assert office.ending() == ("answered", 16)
    office.close()


@pytest.mark.parametrize("held", [False, True])
def test_who_hung_up_long_ago_is_found_out_without_waiting_for_silence(held: bool) -> None:
    office, caller, called = internal()
    if held:
        caller.redirect("sendonly")
        office.run(1.0)
    office.run(0.1)
    office.box.kill()
    caller.hang_up()
    office.run(90.0)
    assert not called.over
    assert len(office.box.restart(office.site).taken) == 1
    office.run(8.0)
    assert called.over
    assert office.exchange.calls() == []
    office.close()


def test_a_phone_that_vanished_meanwhile_ends_the_call() -> None:
    office, caller, called = internal()
    office.run(0.1)
    office.box.kill()
    office.run(1.0)
    called.party.vanish()
    office.run(60.0)
    office.box.restart(office.site)
    office.run(45.0)
    assert caller.over
    assert office.ending() == ("vanished", 27)
    office.close()


def test_killed_again_and_again_the_sequence_numbers_only_rise() -> None:
    office, caller, called = internal()
    seen: list[int] = []
    send = office.network.send

    def tap(flow: Any, data: bytes) -> None:
        if data.startswith(b"OPTIONS") and flow.remote == called.party.address:
            seen.append(int(data.split(b"CSeq: ")[1].split()[0]))
        send(flow, data)

    office.network.send = tap  # type: ignore[method-assign]
    for _ in range(3):
        back(office)
        office.box.do(lambda box, now: box.context.calls[live(office).id].legs[1].check_alive())
        office.run(1.0)
    assert seen == sorted(set(seen)) and len(seen) == 3
    caller.hang_up()
    office.run(1.0)
    assert called.over
    assert record(office).cause == "answered"
    office.close()


def test_a_hold_that_did_not_reach_the_store_is_asked_about() -> None:
    """Killed within the moment in which the store gathers: the phone holds, and the box that is back does not know."""
    office, caller, called = internal()
    office.run(0.1)
    office.box.stored()
    kept = dict(office.box.calls), dict(office.box.dialogs)
    called.redirect("sendonly")
    office.run(0.5)
    office.box.kill()
    office.box.calls, office.box.dialogs = kept
    office.box._whole = False
    office.run(1.0)
    assert len(office.box.restart(office.site).taken) == 1
    office.run(8.0)
    assert live(office).state == "held"
    assert office.hears(caller) == {"music"}
    called.redirect("sendrecv")
    office.run(1.0)
    assert office.hears(caller) == {"202"}
    caller.hang_up()
    office.run(1.0)
    office.close()


def test_a_call_whose_end_did_not_reach_the_store_is_not_raised_from_the_dead() -> None:
    office, caller, _ = internal()
    office.run(0.1)
    office.box.stored()
    kept = dict(office.box.calls), dict(office.box.dialogs)
    caller.hang_up()
    office.run(0.5)
    office.box.kill()
    office.box.calls, office.box.dialogs = kept
    assert office.box.restart(office.site).taken == ()
    office.run(1.0)
    assert office.engine.rows == {} and office.exchange.calls() == []
    office.close()


def test_what_cannot_be_used_any_more_ends_that_call_alone() -> None:
    office, caller, called = internal()
    office.desk("204")
    again = office.dials(office.desk("203"), "204")
    office.run(3.0)
    office.box.kill()
    first = min(office.box.calls)
    key = msgspec.msgpack.decode(office.box.calls[first], type=KeptCall).legs[1].dialog
    broken = msgspec.msgpack.decode(office.box.dialogs[key])
    broken["dialog"]["target"] = "sip:"
    broken["dialog"]["flow"] = None
    office.box.dialogs[key] = msgspec.msgpack.encode(broken)
    office.strict = False
    recovered = office.box.restart(office.site)
    office.run(1.0)
    assert first not in recovered.taken and len(recovered.taken) == 1
    assert caller.over and not again.over
    called.hang_up()
    again.hang_up()
    office.run(1.0)
    assert office.box.table.ports_used == 0


@pytest.mark.parametrize("where", ["listen", "restore"])
def test_a_call_that_cannot_go_on_after_all_ends_once(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    office, caller, called = internal()
    number = live(office).id

    def fails(*_: Any) -> None:
        raise RuntimeError("what was kept cannot be used")

    if where == "listen":
        monkeypatch.setattr(takeover, "listen", fails)
    else:
        restore = CallRecorder.restore

        def halfway(recorder: CallRecorder, kept: KeptRecorder, known: bool) -> None:
            restore(recorder, kept, known)
            fails()

        monkeypatch.setattr(CallRecorder, "restore", halfway)
    office.strict = False
    assert back(office) == ()
    office.run(90.0)
    assert caller.over and called.over
    assert [(one.call, one.reason) for one in office.told(ev.CallEnded)] == [(number, "internal-error")]
    assert [one.reason for one in office.told(ev.RecordingStopped)] == ["box-restart"]
    assert len(office.told(ev.DecisionFailed)) == 1 and not office.told(ev.CallTakenOver)
    assert office.exchange.calls() == [] and office.engine.rows == {}
    assert office.box.stored() == 0


def test_killed_again_while_it_takes_over_it_can_do_so_once_more() -> None:
    office, caller, called = internal()
    office.run(0.1)
    for _ in range(2):
        office.box.kill()
        office.run(2.0)
        assert len(office.box.restart(office.site).taken) == 1
    office.run(0.5)
    assert (office.hears(caller), office.hears(called)) == ({"202"}, {"201"})
    caller.hang_up()
    office.run(1.0)
    assert called.over and office.box.stored() == 0
    office.close()


def test_with_the_media_process_gone_as_well_the_audio_is_made_anew() -> None:
    office, caller, called = internal()
    rows = dict(office.engine.rows)
    office.run(0.1)
    office.box.kill()
    office.engine.die()
    office.run(2.0)
    assert len(office.box.restart(office.site).taken) == 1
    assert office.engine.rows == rows
    assert (office.hears(caller), office.hears(called)) == ({"202"}, {"201"})
    caller.hang_up()
    office.run(1.0)
    office.close()


@pytest.mark.parametrize("together", [False, True])
def test_a_recording_that_was_interrupted_says_so_after_a_kill_of_the_box_too(together: bool) -> None:
    office, caller, _ = internal()
    if together:
        office.run(0.1)
        office.box.kill()
        office.engine.die()
        office.run(2.0)
        assert len(office.box.restart(office.site).taken) == 1
    else:
        office.engine.restart()
        office.run(1.0)
        assert len(back(office)) == 1
    caller.hang_up()
    office.run(1.0)
    (stopped,) = office.told(ev.RecordingStopped)
    assert stopped.reason == "ended" and "restarted" in stopped.error
    office.close()


def test_new_calls_get_ports_and_rows_that_nobody_has() -> None:
    office, caller, called = internal()
    office.clock.step_wall(-1500.0)
    back(office)
    ports = {row.local[1] for row in office.engine.rows.values() if isinstance(row, RtpPort)}
    office.desk("204")
    second = office.dials(office.desk("203"), "204")
    office.run(2.0)
    rows = [row for row in office.engine.rows.values() if isinstance(row, RtpPort)]
    assert len(rows) == 4 and len({row.local[1] for row in rows}) == 4 > len(ports)
    assert len([row for row in office.engine.rows.values() if isinstance(row, Recorder)]) == 2
    assert (office.hears(caller), office.hears(second)) == ({"202"}, {"204"})
    for call in (called, second):
        call.hang_up()
    office.run(1.0)
    office.close()


def test_a_phone_on_tcp_is_reached_over_the_connection_it_makes_anew() -> None:
    office = Office()
    first = office.phone("201", transport="tcp")
    second = office.desk("202")
    office.reacts(first)
    office.run(0.5)
    call = office.dials(first, "202", LONG)
    office.run(3.0)
    office.run(0.1)
    office.box.kill()
    office.run(3.0)
    assert len(office.box.restart(office.site).taken) == 1
    first.lose_connection()
    first._connection = None
    first.unregister()
    first.log_on()
    office.run(2.0)
    sessions = office.exchange.context.endpoint.layer.sessions.values()
    assert all(session.reachable for session in sessions)
    connections = len(office.network.connections)
    other(second).hang_up()
    office.run(1.0)
    assert call.over
    assert len(office.network.connections) == connections, "nobody had to be connected to"
    office.close()


def test_keys_of_encrypted_audio_survive() -> None:
    office, caller, _ = internal()
    (call,) = office.exchange.context.calls.values()
    leg = call.legs[0]
    assert leg.local is not None and leg.negotiated is not None
    ours = sdes.own_keys(bytes(sdes.MATERIAL))
    leg.local = msgspec.structs.replace(leg.local, srtp="required", keys=ours, suite=ours[0].suite)
    secured = sdes.Secured(suite=ours[0].suite, ours=b"o" * 30, theirs=b"t" * 30)
    leg.negotiated = msgspec.structs.replace(leg.negotiated, secured=secured)
    kept = keep(call)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=KeptCall) == kept
    caller.hang_up()
    office.run(1.0)


def test_a_call_that_was_never_stored_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    office, caller, _ = internal()
    assert len(office.box.calls) <= 1
    caller.hang_up()
    office.run(1.0)
    assert office.box.stored() == 0
    office.dials(office.phones["201"][0], "*43", Plan(talk=2.0))
    office.run(1.0)
    assert office.box.calls == {}, "only conversations are kept as such"
    office.run(3.0)
    office.close()
