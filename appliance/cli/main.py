"""Reads the command line and hands over to the command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from appliance import __version__

if TYPE_CHECKING:
    from appliance.options import Address

ROLES = ("admin", "supervisor", "agent", "wallboard")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status. Never shows a traceback for what a person can mend."""
    options = parser().parse_args(arguments)
    if not hasattr(options, "module"):
        parser().print_help()
        return 2
    try:
        command = importlib.import_module(f"appliance.cli.{options.module}")
        status: int = command.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; closing what is left of it must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _failed(error, getattr(options, "data", None))


def _failed(error: Exception, data: Path | None) -> int:
    from appliance.cli.words import speaker
    from appliance.errors import ConfigError, HakoError, reason

    if os.environ.get("HAKO_TRACEBACK"):
        raise error
    if isinstance(error, ConfigError):
        for problem in error.problems:
            print(speaker(data).problem(problem), file=sys.stderr)
    elif isinstance(error, HakoError):
        print(f"hako: {error.said(speaker(data).language)}", file=sys.stderr)
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        print(f"hako: {where}{reason(error, speaker(data).language)}", file=sys.stderr)
    else:
        print(f"hako: {speaker(data)('bug', error=repr(error))}", file=sys.stderr)
    return 1


def address(text: str) -> Address:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT` (every address of the machine)."""
    from appliance.options import Address

    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(
            f'"{text}" is not HOST:PORT, such as :5060 (every address; port 0: any free one)'
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise argparse.ArgumentTypeError(f'"{text}": write an IPv6 address in brackets, such as [::1]:5060')
    return Address(host, int(port))


def address_or_off(text: str) -> Address | str:
    """An address, or the word `off`."""
    return text if text == "off" else address(text)


def port_range(text: str) -> tuple[int, int]:
    """`LOW-HIGH`, at least two ports for each leg."""
    low, dash, high = text.partition("-")
    if not dash or not low.isdigit() or not high.isdigit():
        raise argparse.ArgumentTypeError(f'"{text}" is not LOW-HIGH, such as 16384-17383')
    if not 1024 <= int(low) < int(high) <= 65535:
        raise argparse.ArgumentTypeError(f'"{text}": from 1024 to 65535, the lower one first')
    return int(low), int(high)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="hako", description="Hako, the call centre in a box.")
    top.add_argument("--version", action="version", version=f"hako {__version__}")
    commands = top.add_subparsers(metavar="COMMAND")
    _serving(commands)
    _configuring(commands)
    _keeping(commands)
    return top


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, module: str, what: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.set_defaults(module=module, command=name)
    return command


def _serving(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = _add(commands, "serve", "serve", "the box itself")
    run = _add(commands, "run", "serve", "the box with a sample site, its data in ./var")
    demo = _add(commands, "demo", "serve", "a box with synthetic callers and agents on free ports")
    serve.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data folder")
    run.add_argument("--data", type=Path, default=Path("var"), metavar="DIR", help="the data folder (default: ./var)")
    demo.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: a temporary one)")
    serve.add_argument("--site", type=Path, metavar="FILE", help="site file that seeds an empty data folder")
    run.add_argument("--site", type=Path, metavar="FILE", help="site file that seeds an empty data folder")
    for command in (serve, run, demo):
        command.add_argument(
            "--language", choices=("ja", "en"), help="of a new site (default: that of LANG, ja where that says none)"
        )
    free = {"demo": ("127.0.0.1:0", "127.0.0.1:0")}
    for name, command in (("serve", serve), ("run", run), ("demo", demo)):
        sip, web = free.get(name, (":5060", ":8080"))
        command.add_argument("--sip", type=address, default=sip, metavar="HOST:PORT", help=f"SIP (default: {sip})")
        command.add_argument("--web", type=address, default=web, metavar="HOST:PORT", help=f"web (default: {web})")
        command.add_argument(
            "--https",
            type=address_or_off,
            metavar="HOST:PORT",
            help="web by HTTPS, or off (default: port 8443 beside --web; any free one where --web has port 0)",
        )
        command.add_argument("--rtp", type=port_range, default=(16384, 17383), metavar="LOW-HIGH", help="audio ports")
        command.add_argument("--advertise", default="", metavar="IP", help="our address as others must see it")
        command.add_argument("--board", default="", metavar="NAME", help="the board, where it is not recognised")


def _configuring(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = _add(commands, "check", "configure", "tells what is wrong with a site file")
    check.add_argument("file", type=Path, metavar="FILE")
    apply = _add(commands, "apply", "configure", "makes a box match a site file")
    apply.add_argument("file", type=Path, metavar="FILE")
    export = _add(commands, "export", "configure", "prints the present configuration as a site file")
    export.add_argument("--secrets", action="store_true", help="with passwords of phones and trunks")
    for command in (apply, export):
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the box's data folder")


def _keeping(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = _add(commands, "doctor", "doctor", "checks the box and its surroundings, with remedies")
    backup = _add(commands, "backup", "keep", "saves everything but recordings into one file")
    backup.add_argument("file", type=Path, metavar="FILE")
    backup.add_argument("--recordings", action="store_true", help="with recordings")
    restore = _add(commands, "restore", "keep", "puts a backup back into a stopped box")
    restore.add_argument("file", type=Path, metavar="FILE")
    token = commands.add_parser("token", help="API tokens", description="API tokens.")
    token.set_defaults(module="keep", command="token")
    actions = token.add_subparsers(metavar="ACTION", required=True)
    create = actions.add_parser("create", help="makes a token and prints it, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--role", required=True, choices=ROLES)
    create.set_defaults(action="create")
    tokens = actions.add_parser("list", help="names, roles and ages of the tokens")
    tokens.set_defaults(action="list")
    revoke = actions.add_parser("revoke", help="makes a token worthless")
    revoke.add_argument("name", metavar="NAME")
    revoke.set_defaults(action="revoke")
    for command in (doctor, backup, restore, create, tokens, revoke):
        command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the box's data folder")
