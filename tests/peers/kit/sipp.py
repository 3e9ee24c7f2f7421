"""SIPp as caller, carrier or phone. Scenarios are files with `@@NAME@@` for what a test chooses; audio is a `Handset`.

SIPp does the signalling exactly as the scenario says; what it cannot do (listen to audio) a Handset on the port of its
SDP does.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.peers.kit.ports import free_port
from tests.peers.kit.processes import Program, until

SCENARIOS = Path(__file__).parent.parent / "scenarios"

_US = """\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Peer" <sip:@@CALLER@@@[local_ip]:[local_port]>;tag=[pid]u[call_number]
To: <sip:@@NUMBER@@@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
Max-Forwards: 70
Contact: <sip:@@CALLER@@@[local_ip]:[local_port];transport=[transport]>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK"""

_REPLY = """\
[last_Via:]
[last_From:]
[last_To:]@@TAG@@
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK"""

_SDP = """\
v=0
o=sipp 77 @@VERSION@@ IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio @@RTP@@ RTP/AVP @@CODEC@@ 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15"""

_PIECES = {
    # Headers of a request of ours, of a reply within a dialog, of a reply that makes one (our tag is added).
    "@@US@@": _US,
    "@@REPLY@@": _REPLY.replace("@@TAG@@", ""),
    "@@NEW@@": _REPLY.replace("@@TAG@@", ";tag=[pid]n[call_number]"),
    "@@SDP@@": "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP.replace("@@VERSION@@", "1"),
    "@@SDP2@@": "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP.replace("@@VERSION@@", "2"),
    "@@SDP3@@": "Content-Type: application/sdp\nContent-Length: [len]\n\n" + _SDP.replace("@@VERSION@@", "3"),
    # The same from another audio port.
    "@@SDP4@@": "Content-Type: application/sdp\nContent-Length: [len]\n\n"
    + _SDP.replace("@@VERSION@@", "4").replace("@@RTP@@", "@@RTP2@@"),
    "@@EMPTY@@": "Content-Length: 0",
}


class Sipp:
    """One SIPp with `calls` calls: `async with Sipp(...) as sipp:` starts it, `await sipp.done()` asserts success."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        target: str,
        number: str = "box",
        *,
        caller: str = "09012345678",
        rtp: int = 9,
        port: int = 0,
        password: str = "",
        codec: int = 0,
        seconds: float = 20.0,
        calls: int = 1,
        pause: float = 0.5,
        transport: str = "u1",
        host: str = "127.0.0.1",
        netns: str = "",
        **values: object,
    ) -> None:
        self.port = port or free_port()
        self.folder = folder / f"sipp-{scenario}-{self.port}-{len(list(folder.glob('sipp-*')))}"
        self.folder.mkdir(parents=True)
        self.seconds = seconds
        self.netns = netns
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for name, piece in _PIECES.items():
            text = text.replace(name, piece)
        chosen = {"caller": caller, "number": number, "rtp": rtp, "rtp2": rtp, "codec": codec, "expires": 60} | values
        for key, value in chosen.items():
            text = text.replace(f"@@{key.upper()}@@", str(value))
        assert "@@" not in text, f"{scenario}: nobody chose {text.partition('@@')[2].partition('@@')[0]}"
        file = self.folder / "scenario.xml"
        file.write_text(text)
        # SIPp does not expand fields inside the keyword: the whole keyword is the field.
        people = self.folder / "people.csv"
        people.write_text(f"SEQUENTIAL\n[authentication username={caller} password={password}];\n")
        self.messages = self.folder / "messages"
        self.command = ["sipp", target, "-sf", str(file), "-inf", str(people), "-s", number]
        self.command += ["-i", host, "-mi", host, "-p", str(self.port), "-t", transport, "-m", str(calls), "-nostdin"]
        self.command += ["-d", str(int(pause * 1000)), "-cp", str(free_port()), "-mp", str(free_port())]
        self.command += ["-trace_msg", "-message_file", str(self.messages), "-trace_err"]
        self.command += ["-error_file", str(self.folder / "errors"), "-timeout", f"{int(seconds)}s", "-timeout_error"]
        if password:
            # By itself SIPp would leave the user out of the URI that it signs.
            self.command += ["-auth_uri", target if number == "box" else f"{number}@{target}"]
        self.program: Program | None = None

    async def __aenter__(self) -> Sipp:
        self.program = program = Program(self.command, self.folder / "log", self.folder, self.netns)
        if "u1" in self.command:
            # Who is called before its socket is there answers with ICMP.
            await until(lambda: program.ended or self._listens(), 5, "SIPp listens")
        return self

    def _listens(self) -> bool:
        assert self.program is not None
        with contextlib.suppress(OSError):
            sockets = Path(f"/proc/{self.program.pid}/net/udp").read_text()
            return f":{self.port:04X} " in sockets
        return False

    async def __aexit__(self, *_: object) -> None:
        if self.program is not None:
            self.program.kill()

    async def done(self, seconds: float = 0.0) -> None:
        """Waits until the scenario has gone through. Raises AssertionError with what happened instead."""
        assert self.program is not None
        status = await self.program.wait(seconds or self.seconds + 2)
        if status != 0:
            errors = self.folder / "errors"
            told = errors.read_text(errors="replace") if errors.exists() else self.program.output()[-2000:]
            raise AssertionError(f"SIPp ended with {status}:\n{told}\n{self.trace()}")

    @property
    def ended(self) -> bool:
        return self.program is not None and self.program.ended

    def trace(self) -> str:
        """Every message that was sent and received."""
        return self.messages.read_text(errors="replace") if self.messages.exists() else ""


async def play(sipp: Sipp) -> str:
    """Runs a scenario that needs nobody's help to its end; its messages."""
    async with sipp:
        await sipp.done()
    return sipp.trace()
