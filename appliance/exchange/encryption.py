"""Whether a leg's audio is encrypted (SRTP): the rule for its phone or trunk, and how an emergency goes before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from appliance.exchange.audio import SrtpKeys
from appliance.exchange.causes import NO_ENCRYPTION, Ending
from appliance.sip import sdes
from appliance.sip.offer_answer import Local, srtp_refusal

if TYPE_CHECKING:
    from appliance.exchange.context import Context
    from appliance.exchange.leg import Leg
    from appliance.sip.offer_answer import Negotiated

_MERCIFUL = {"required": "preferred", "off": "optional"}
"""What a rule becomes where somebody calls for help: encrypted or not, the call goes through."""


def rule_of(context: Context, extension: str, trunk: str, emergency: bool) -> str:
    """off, optional, required or preferred, as `Local.srtp` has it."""
    site = context.site
    if trunk:
        rule = next((one.srtp for one in site.trunks if one.id == trunk), "off")
    else:
        rule = next((one.srtp for one in site.extensions if one.number == extension), "off")
    return _MERCIFUL.get(rule, rule) if emergency else rule


def possible(context: Context, extension: str, trunk: str, emergency: bool) -> bool:
    """Whether the rule of this phone or trunk can be kept by this box at all."""
    return "srtp" in context.media.abilities or rule_of(context, extension, trunk, emergency) != "required"


def with_srtp(leg: Leg, local: Local, plain: bool) -> Local:
    """Our side of a leg with its rule and fresh keys; `plain`: without them, after the secure way was refused."""
    context = leg.context
    rule = "off" if plain else rule_of(context, leg.extension, leg.trunk, leg.call.emergency)
    if rule == "off":
        return local
    keys = fresh_keys(context) if "srtp" in context.media.abilities else ()
    return msgspec.structs.replace(local, srtp=rule, keys=keys)


def fresh_keys(context: Context) -> tuple[sdes.Crypto, ...]:
    """One of ours for each suite."""
    return sdes.own_keys(context.entropy(sdes.MATERIAL))


def after(context: Context, local: Local, negotiated: Negotiated) -> Local:
    """Our side once this was agreed: offers of ours go on with the suite in use. A key that was in use and is not any
    more never comes back, since packet numbers went on without it."""
    suite = negotiated.secured.suite if negotiated.secured is not None else ""
    if suite == local.suite:
        return local
    keys = local.keys if suite else fresh_keys(context)
    return msgspec.structs.replace(local, suite=suite, keys=keys)


def row_keys(negotiated: Negotiated) -> tuple[SrtpKeys | None, SrtpKeys | None]:
    """What the leg's port protects with, and what it wants to be protected with."""
    secured = negotiated.secured
    if secured is None:
        return None, None
    return SrtpKeys(secured.suite, secured.ours), SrtpKeys(secured.suite, secured.theirs)


def refusal(leg: Leg) -> Ending | None:
    """Why a call that comes in on this leg cannot be taken because of encryption, before anybody is rung for it."""
    session = leg.session
    body = session.request.body if session is not None and session.request is not None else b""
    rule = rule_of(leg.context, leg.extension, leg.trunk, leg.call.emergency)
    # Nothing but these can fail, and reading a description costs as much as the rest of a call's beginning.
    if not body or (rule != "required" and b"/SAVP" not in body.upper()):
        return None
    text = srtp_refusal(with_srtp(leg, Local("", 0), plain=False), body)
    return msgspec.structs.replace(NO_ENCRYPTION, warning=text) if text else None
