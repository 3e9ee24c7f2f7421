"""Recording as people meet it at a real box: who starts it and how soon, what it becomes, what goes wrong with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.peers.conftest import Lines, MakeBox
from tests.peers.kit.box import Box
from tests.peers.kit.handset import Handset
from tests.peers.kit.phone import Phone
from tests.peers.kit.sipp import Sipp
from tests.peers.kit.site import secret, site_file
from tests.peers.kit.sound import ONE, TWO, heard, stereo

pytestmark = pytest.mark.peer


def phone(box: Box, folder: Path, number: str, hertz: int, **options: object) -> Phone:
    return Phone(folder, box.sip, number, hertz, password=secret(number), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rule", "status"), [("on-demand", 200), ("never", 403)])
async def test_a_phones_record_key_is_told_whether_it_may(
    make_box: MakeBox, lines: Lines, tmp_path: Path, rule: str, status: int
) -> None:
    """SIPp is the phone: INFO with `Record: on`, as Snom, Yealink and Polycom send it."""
    box = make_box(site_file(lines.carrier, lines.guarded, lines.single, record=rule))
    await box.start()
    async with phone(box, tmp_path, "202", TWO, auto_answer=True), Handset(ONE) as caller:
        options = {"caller": "201", "password": secret("201"), "rtp": caller.port, "pause": 1.0, "status": status}
        async with Sipp(tmp_path, "caller-records", box.sip, "202", **options) as sipp:  # type: ignore[arg-type]
            await asyncio.gather(caller.hears(TWO), sipp.done())
        record = await box.record(to="202")
        if status == 403:
            assert record["recording"] is None
            assert 'Warning: 399 hako "The rule for this call is that it is never recorded."' in sipp.trace()
        else:
            left, right = stereo(await box.recording(record["recording"]["id"]))
            assert (heard(left), heard(right)) == ({ONE}, {TWO})
            assert len(left) / 8000 == pytest.approx(1.0, abs=0.3)
    assert "Traceback" not in box.log()
