"""Addresses as people are told them, and why one cannot be listened on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping

from appliance.box.addresses import lan_addresses
from appliance.errors import CommandError, HakoError, reason
from appliance.events.base import Words
from appliance.net.listening import EVERYWHERE
from appliance.options import Address


def shown_hosts(bound: str) -> list[str]:
    """Addresses to tell people for what was listened on, IPv6 in brackets: of all addresses those of the LAN, in IPv4
    as long as there is any, which everybody knows how to type."""
    every = reached_hosts(bound)
    return [host for host in every if ":" not in host] or every


def reached_hosts(bound: str) -> list[str]:
    """All addresses of the LAN that lead to what was listened on, IPv4 first, IPv6 in brackets and none of one link."""
    if bound not in (*EVERYWHERE, "0.0.0.0"):
        return [f"[{bound}]" if ":" in bound else bound]
    found = [one.address for one in lan_addresses()]
    ipv4 = [address for address in found if ":" not in address]
    ipv6 = [f"[{address}]" for address in found if ":" in address] if bound != "0.0.0.0" else []
    return ipv4 + ipv6 or ["127.0.0.1"]


def port_problem(error: OSError, option: str, address: Address) -> HakoError:
    """An OSError of the start in plain words; `option` with `address` was being listened on."""
    wanted = f"{option} {address}"
    if error.errno == errno.EADDRINUSE:
        return CommandError(
            "port-in-use",
            f"the port of {wanted} is in use by another program; stop it, or choose another with {option}",
            ja=f"{wanted} のポートは別のプログラムが使っています。終了するか、{option} で別のポートを指定してください",
        )
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or isinstance(error, socket.gaierror):
        known = ", ".join(one.address for one in lan_addresses()) or "127.0.0.1"
        return CommandError(
            "no-such-address",
            f"{wanted}: this machine has no address {address.host}; it has {known} "
            f"({option} :{address.port} means all of them)",
            ja=f"{wanted}: この本体に {address.host} というアドレスはありません。"
            f"使えるのは {known} です（{option} :{address.port} ならすべて）",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CommandError(
            "port-refused",
            f"{wanted}: this user may not listen there; take a port from 1024 on, or start the box as root",
            ja=f"{wanted}: このユーザーでは使えません。1024 以上のポートを指定するか、root で起動してください",
        )
    return CommandError("start-failed", str(error))


def tcp_fault(port: int, refused: Mapping[str, OSError], dual: bool) -> tuple[Words, Words]:
    """What is wrong and the remedy where SIP by TCP cannot have its port. `refused`: by host, at least one; `dual`:
    both IP versions were asked for, and where one was refused the other is served."""
    error = next(iter(refused.values()))
    ja, en = reason(error, "ja"), reason(error, "en")
    versions = {"IPv6" if ":" in host else "IPv4" for host in refused}
    if dual and len(versions) == 1:
        (version,) = versions
        text = {
            "ja": f"SIP の TCP ポート {port} を {version} では使えません（{ja}）。"
            f"{version} で TCP の電話機はつながりません。",
            "en": f"SIP over TCP is off for {version}: port {port} cannot be used there ({en}).",
        }
    else:
        text = {
            "ja": f"SIP の TCP ポート {port} を使えません（{ja}）。TCP の電話機はつながりません。",
            "en": f"SIP over TCP is off: port {port} cannot be used ({en}).",
        }
    remedy = {
        "ja": "UDP の電話機は使えます。このポートを使っている別のプログラムを終了してください。",
        "en": "Phones that use UDP work; end the program that has the port.",
    }
    return text, remedy
