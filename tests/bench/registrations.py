"""Registrations with digest, SIPp as the phones: each is a REGISTER, its 401, the REGISTER that answers it, and 200."""

from __future__ import annotations

import time
from typing import NamedTuple

from tests.bench import meter
from tests.bench.box import EXTENSIONS, Box, secret
from tests.bench.calls import run_sipp


class Cost(NamedTuple):
    """What one round took."""

    registrations: int
    failed: int
    cpu_ms: float
    """CPU milliseconds a registration, all processes of the box."""
    per_second: float
    """As they came, SIPp and box on the same machine."""

    @property
    def per_core(self) -> float:
        """Registrations a second for which the box would fill one core."""
        return 1000 / self.cpu_ms


REGISTER = """
    <send{retrans}><![CDATA[
REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:[field0]@[remote_ip]>;tag=[call_number]
To: <sip:[field0]@[remote_ip]>
Call-ID: [call_id]
CSeq: {number} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>
Max-Forwards: 70
Expires: 300
{more}Content-Length: 0

    ]]></send>"""

SCENARIO = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="register">'
    + REGISTER.format(retrans=' retrans="500"', number=1, more="")
    + '\n<recv response="401" auth="true"/>'
    + REGISTER.format(retrans=' retrans="500"', number=2, more="[field1]\n")
    + '\n<recv response="200"/>\n</scenario>\n'
)


def measure(box: Box, registrations: int, at_once: int = 8) -> Cost:
    """One round of so many, that many at a time."""
    scenario, phones = box.folder / "register.xml", box.folder / "phones.csv"
    scenario.write_text(SCENARIO)
    lines = [f"{one};[authentication username={one} password={secret(one)}]" for one in EXTENSIONS]
    phones.write_text("SEQUENTIAL\n" + "\n".join(lines) + "\n")
    arguments = ["-sf", str(scenario), "-inf", str(phones), "-m", str(registrations)]
    before, start = meter.cpu(box.pids), time.monotonic()
    done, failed = run_sipp([*arguments, "-r", "5000", "-l", str(at_once)], box.folder)
    passed = time.monotonic() - start
    used = meter.since(before, meter.cpu(box.pids))
    return Cost(done, failed, used.total * 1000 / max(1, done), done / passed)
