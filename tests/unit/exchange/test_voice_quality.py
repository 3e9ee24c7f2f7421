"""What is told of how a call sounds: live figures in the view, one-way audio and the final figures in the ledger."""

from __future__ import annotations

import msgspec
import pytest

from appliance import events as ev
from appliance.exchange import audio
from appliance.exchange.audio import RtpPort
from tests.sim.party import Plan, TalkingCall
from tests.unit.exchange.office import LONG, Office


def port_of(office: Office, call: TalkingCall) -> int:
    return next(row.id for row in office.engine.rows.values() if isinstance(row, RtpPort) and row.remote == call.media)


def talking(plan: Plan = LONG, answering: Plan = LONG) -> tuple[Office, TalkingCall]:
    office = Office()
    caller = office.desk("201")
    office.desk("202", plan=answering)
    call = office.dials(caller, "202", plan)
    assert office.until(lambda: call.up, 5)
    return office, call


def test_a_party_that_is_not_heard_is_told_with_where_its_audio_should_come_from() -> None:
    office, call = talking()
    call.fall_silent()
    office.run(5.0)
    (event,) = office.told(ev.OneWayAudio)
    assert (event.extension, event.reason, event.expected) == ("201", "no-packets", "{}:{}".format(*call.media))
    (live,) = office.exchange.calls()
    assert {leg.extension: leg.unheard for leg in live.legs} == {"201": "no-packets", "202": ""}
    office.engine.report(audio.PortHeard(id=port_of(office, call)))
    office.run(0.1)
    assert [one.leg for one in office.told(ev.OneWayAudioEnded)] == [event.leg]
    assert all(leg.unheard == "" for leg in office.exchange.calls()[0].legs)
    office.close()


def test_a_party_that_hears_nothing_is_told_with_where_our_audio_goes() -> None:
    office, call = talking()
    port, to = port_of(office, call), "{}:{}".format(*call.media)
    office.engine.report(audio.PortUnreached(id=port, reason="not-received", to=to))
    office.run(0.1)
    (event,) = office.told(ev.OneWayAudio)
    assert (event.extension, event.reason, event.direction, event.expected) == ("201", "not-received", "to", to)
    (live,) = office.exchange.calls()
    assert {leg.extension: (leg.unheard, leg.unreached) for leg in live.legs} == {
        "201": ("", "not-received"), "202": ("", ""),
    }  # fmt: skip
    office.engine.report(audio.PortReached(id=port))
    office.run(0.1)
    assert [(one.leg, one.direction) for one in office.told(ev.OneWayAudioEnded)] == [(event.leg, "to")]
    office.engine.report(audio.PortUnreached(id=port, reason="refused", to=to))
    call.hang_up()
    office.run(1.0)
    assert {one.extension: one.unreached for one in office.told(ev.LegAudio)} == {"201": "refused", "202": ""}
    office.close()


def test_a_call_that_ends_unheard_says_so_in_its_last_figures() -> None:
    office, call = talking()
    call.fall_silent()
    office.run(5.0)
    call.hang_up()
    office.run(1.0)
    audio_of = {one.extension: one.unheard for one in office.told(ev.LegAudio)}
    assert audio_of == {"201": "no-packets", "202": ""}
    assert office.told(ev.OneWayAudioEnded) == []
    office.close()


def test_a_new_media_process_tells_anew_who_is_silent() -> None:
    office, call = talking()
    row = port_of(office, call)
    office.engine.report(audio.PortUnheard(id=row, reason="no-packets"))
    office.engine.report(audio.PortUnreached(id=row, reason="not-received"))
    office.run(0.1)
    office.engine.report(audio.EngineRestarted(id=0, reason="killed"))
    office.run(0.1)
    assert {one.direction for one in office.told(ev.OneWayAudioEnded)} == {"from", "to"}
    assert not any(leg.unheard or leg.unreached for leg in office.exchange.calls()[0].legs)
    office.close()


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_whoever_holds_or_is_held_is_not_called_silent(direction: str) -> None:
    office, call = talking(answering=Plan(talk=1000.0, holds=[(1.0, 20.0, direction)]))
    office.run(4.0)
    assert office.exchange.calls()[0].state == "held"
    for row in [row.id for row in office.engine.rows.values() if isinstance(row, RtpPort)]:
        office.engine.report(audio.PortUnheard(id=row, reason="no-packets"))
        office.engine.report(audio.PortUnreached(id=row, reason="not-received"))
    office.run(0.1)
    assert call.up and office.told(ev.OneWayAudio) == []
    office.close()


def test_hold_forgets_who_was_silent() -> None:
    office, call = talking(answering=Plan(talk=1000.0, holds=[(5.0, 2.0, "sendonly")]))
    call.fall_silent()
    office.run(4.0)
    assert any(leg.unheard for leg in office.exchange.calls()[0].legs)
    office.run(1.5)
    assert office.exchange.calls()[0].state == "held"
    assert not any(leg.unheard for leg in office.exchange.calls()[0].legs)
    assert len(office.told(ev.OneWayAudioEnded)) == 1, "so that the fault goes, too"
    office.run(6.0)
    assert len(office.told(ev.OneWayAudio)) == 2, "resumed and as silent as before"
    office.close()


def test_the_view_has_the_newest_five_seconds_and_the_ledger_the_whole_call() -> None:
    office, call = talking()
    office.run(2.0)
    port = port_of(office, call)
    good = audio.PortStats(
        id=port, packets=250, expected=250, sent=250, codec="PCMU", round_trip_ms=30.0, jitter_ms=2.0, reports=1
    )
    bad = msgspec.structs.replace(good, packets=450, expected=500, lost=50, sent=500, sent_lost=0)
    events = len(office.box.story.events)
    for stats, word in ((good, "good"), (bad, "bad")):
        office.engine.report(stats)
        office.run(0.1)
        leg = next(leg for leg in office.exchange.calls()[0].legs if leg.extension == "201")
        assert leg.mos and leg.sent_mos and leg.sent_mos > 4.2 and leg.quality == word and leg.round_trip_ms == 30.0
    other = next(leg for leg in office.exchange.calls()[0].legs if leg.extension == "202")
    assert (other.mos, other.sent_mos, other.quality) == (None, None, "")
    assert len(office.box.story.events) == events, "live figures do not fill the ledger"
    call.hang_up()
    office.run(1.0)
    told = {one.extension: one for one in office.told(ev.LegAudio)}
    assert told["201"].mos_min and told["201"].mos_min < 3 and told["201"].sent_mos and told["201"].codec == "PCMU"
    office.close()


def test_rtcp_goes_where_the_party_says() -> None:
    """a=rtcp and a=rtcp-mux of an SDP reach the row; ours offers both and asks for VoIP metrics."""
    office, call = talking()
    office.run(2.0)
    row = office.engine.rows[port_of(office, call)]
    assert isinstance(row, RtpPort) and row.dscp == 46
    assert row.remote_rtcp == (call.media[0], call.media[1] + 1) and not row.rtcp_mux
    assert call.session is not None
    ours = (call.session.remote_sdp or b"").decode()
    assert "a=rtcp-xr:voip-metrics" in ours and "a=rtcp-mux" not in ours, "an answer has what the offer had"
    office.close()
