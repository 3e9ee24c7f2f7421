"""What other `hako` commands can ask of a running box, by its control socket."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.app import web as web_side
from appliance.site.writer import write

if TYPE_CHECKING:
    from appliance.app.box import Box


def handlers(box: Box) -> dict[str, Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]]:
    """By the name of the request; each takes its arguments and returns the answer. Raises HakoError."""

    async def apply(arguments: Mapping[str, Any]) -> dict[str, Any]:
        applied = await box.configuring.apply_text(str(arguments["text"]), "hako apply")
        return {"changes": applied.changes, "warnings": applied.warnings, "version": applied.version}

    async def export(arguments: Mapping[str, Any]) -> dict[str, Any]:
        site, _ = await asyncio.to_thread(box.store.load)
        return {"text": write(site, bool(arguments.get("secrets")))}

    async def status(_arguments: Mapping[str, Any]) -> dict[str, Any]:
        view = web_side.system(box)
        return {
            "version": view.version,
            "sip": box.sip_addresses()[0],
            "faults": [{"id": one.id, "text": one.text, "remedy": one.remedy} for one in view.faults],
            "off": [{"why": one.text, "remedy": one.remedy} for one in box.off()],
            "calls": len(box.exchange.calls()),
            "voice": box.voice.bad_lately(box.core.now().wall),
            "refused": [
                {"address": address, "method": method, "caller": caller, "why": why, "times": times}
                for (address, method, caller, why), times in Counter(
                    (one.address, one.method, one.caller, one.why) for one in box.exchange.context.phones.refusals
                ).items()
            ],
        }

    async def token_create(arguments: Mapping[str, Any]) -> dict[str, Any]:
        name, role = str(arguments.get("name", "")), str(arguments.get("role", ""))
        return {"token": await asyncio.to_thread(box.tokens.create, name, role)}

    async def token_list(_arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"tokens": [msgspec.to_builtins(one) for one in box.tokens.list()]}

    async def token_revoke(arguments: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.to_thread(box.tokens.revoke, str(arguments.get("name", "")))
        return {}

    return {
        "apply": apply,
        "export": export,
        "status": status,
        "token-create": token_create,
        "token-list": token_list,
        "token-revoke": token_revoke,
    }
