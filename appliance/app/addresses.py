"""Addresses as people are told them, and why one cannot be listened on."""

from __future__ import annotations

import errno
import socket

from appliance.box.addresses import lan_addresses
from appliance.errors import CommandError, HakoError
from appliance.options import Address


def shown_hosts(bound: str) -> list[str]:
    """Addresses to tell people for a bound address, IPv6 in brackets: those of the LAN where it is bound to all."""
    if bound not in ("", "0.0.0.0", "::"):
        return [f"[{bound}]" if ":" in bound else bound]
    found = [one.address for one in lan_addresses()]
    ipv4 = [address for address in found if ":" not in address]
    ipv6 = [f"[{address}]" for address in found if ":" in address] if bound != "0.0.0.0" else []
    return ipv4 or ipv6 or ["127.0.0.1"]


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
            f"{wanted}: this machine has no address {address.host}; it has {known} (0.0.0.0: all of them)",
            ja=f"{wanted}: この本体に {address.host} というアドレスはありません。"
            f"使えるのは {known} です（0.0.0.0 ならすべて）",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return CommandError(
            "port-refused",
            f"{wanted}: this user may not listen there; take a port from 1024 on, or start the box as root",
            ja=f"{wanted}: このユーザーでは使えません。1024 以上のポートを指定するか、root で起動してください",
        )
    return CommandError("start-failed", str(error))
