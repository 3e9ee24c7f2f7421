"""`hako serve`, `hako run`, `hako demo`: start a box in the foreground."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.cli.main import address
from appliance.cli.words import first_language, speaker
from appliance.options import Address, Options

HTTPS_PORT = 8443
OnReady = Callable[[str, str, tuple[str, ...], str], None]


def run(arguments: argparse.Namespace) -> int:
    """Starts the box; returns when it has stopped."""
    if arguments.command == "demo":
        from appliance.app.demo import demo

        return demo(_options(arguments, arguments.data, _announce))
    from appliance.app.serve import serve

    on_ready = _welcome(arguments.data) if arguments.command == "run" else _announce
    return serve(_options(arguments, arguments.data, on_ready))


def _options(arguments: argparse.Namespace, data: Path | None, on_ready: OnReady) -> Options:
    return Options(
        data=data or Path(),
        site=getattr(arguments, "site", None),
        sample=arguments.command != "serve" and getattr(arguments, "site", None) is None,
        language=arguments.language or first_language(),
        sip=_address(arguments.sip),
        web=_address(arguments.web),
        https=_https(arguments.https, _address(arguments.web)),
        rtp=arguments.rtp,
        advertise=arguments.advertise,
        board=arguments.board,
        on_ready=on_ready,
        on_note=_note,
    )


def _address(value: Address | str) -> Address:
    return address(value) if isinstance(value, str) else value


def _https(given: Address | str | None, web: Address) -> Address | None:
    """Where HTTPS listens; left open, beside the web port: 8443 there, or any free port where that takes any."""
    if given is None:
        return Address(web.host, HTTPS_PORT if web.port else 0)
    return None if given == "off" else _address(given)


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _announce(sip: str, web: str, _log_in: tuple[str, ...], https: str) -> None:
    print(f"ready sip={sip} web={web}", flush=True)
    if https:
        print(f"https web={https}", flush=True)


def _welcome(data: Path) -> OnReady:
    def welcome(sip: str, web: str, log_in: tuple[str, ...], https: str) -> None:
        say, first_login = speaker(data), data / "first-login.txt"
        lines = ["", say("ready", data=data), say("ready-web", web=web)]
        if https:
            lines.append(say("ready-https", https=https, web=web))
        lines += [say("ready-sip", sip=sip), ""]
        if log_in:
            lines += [say("log-ins", file=first_login), *(f"  {line}" for line in log_in)]
        elif first_login.exists():
            lines.append(say("log-ins-there", file=first_login))
        lines += ["", say("to-stop"), ""]
        print("\n".join(lines))
        _announce(sip, web, log_in, https)

    return welcome
