"""`/healthz` and the Prometheus text of `/metrics`: figures only, nobody's number or name.

The text is written here, as its format is a few lines and the client library would cost the box 5 MB of memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

import msgspec
from aiohttp import web

from appliance.web.context import Metric, WebContext
from appliance.web.server import Server

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_AGENT_STATES = ("logged-out", "idle", "offered", "talking", "hold", "wrap-up")


def healthz(server: Server) -> Handler:
    """200 when calls can be made, else 503 with the reasons."""

    async def handle(request: web.Request) -> web.StreamResponse:
        readiness = server.context.readiness()
        return web.Response(
            status=200 if readiness.ready else 503,
            body=msgspec.json.encode(readiness),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    return handle


def serve(server: Server) -> Handler:
    """The metrics page."""

    async def handle(request: web.Request) -> web.StreamResponse:
        families = [*_of_views(server.context), *_of_server(server), *server.context.metrics()]
        return web.Response(
            body=exposition(families).encode(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}
        )

    return handle


def exposition(families: Iterable[Metric]) -> str:
    """The families in Prometheus's text format 0.0.4; of several with one name the first counts."""
    lines: list[str] = []
    seen: set[str] = set()
    for family in families:
        if family.name in seen:
            continue
        seen.add(family.name)
        lines.append(f"# HELP {family.name} {_escape(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        for place, (labels, value) in enumerate(family.samples):
            suffix = family.suffixes[place] if family.suffixes else ""
            lines.append(f"{family.name}{suffix}{_labels(labels)} {float(value):.15g}")
    lines.append("")
    return "\n".join(lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value, quote=True)}"' for name, value in labels.items()) + "}"


def _escape(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _gauge(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    return Metric(name, "gauge", text, tuple(samples))


def _of_views(context: WebContext) -> Iterator[Metric]:
    exchange = context.exchange
    calls = Counter((call.kind, call.state) for call in exchange.calls())
    yield _gauge(
        "hako_calls", "Live calls.", (({"kind": kind, "state": state}, n) for (kind, state), n in sorted(calls.items()))
    )
    states = Counter(agent.state for agent in exchange.agents())
    yield _gauge("hako_agents", "Agents by state.", (({"state": state}, states[state]) for state in _AGENT_STATES))
    queues = exchange.queues()
    for name, text, figure in (
        ("hako_queue_waiting", "Callers waiting.", "waiting"),
        ("hako_queue_longest_wait_seconds", "How long the first of them has waited.", "longest_wait_seconds"),
        ("hako_queue_agents_idle", "Agents free for the queue.", "agents_idle"),
    ):
        yield _gauge(name, text, (({"queue": queue.id}, getattr(queue, figure)) for queue in queues))
    phones = exchange.registrations()
    yield _gauge("hako_phones_registered", "Extensions with a phone.", [({}, sum(bool(p.contacts) for p in phones))])
    trunks = exchange.trunks()
    yield _gauge("hako_trunk_up", "1 while the trunk is up.", (({"trunk": t.id}, t.state == "up") for t in trunks))
    yield _gauge("hako_trunk_channels_busy", "Channels in use.", (({"trunk": t.id}, t.busy) for t in trunks))


def _of_server(server: Server) -> Iterator[Metric]:
    system = server.context.system()
    yield _gauge("hako_info", "What runs here.", [({"version": system.version}, 1)])
    yield _gauge("hako_uptime_seconds", "Since the start.", [({}, system.uptime_seconds)])
    yield _gauge("hako_ready", "1 while calls can be made.", [({}, server.context.readiness().ready)])
    yield _gauge("hako_faults", "Faults present.", [({}, len(system.faults))])
    yield _gauge("hako_ledger_seq", "Number of the last event.", [({}, server.context.ledger.last_seq)])
    answered = tuple(({"status": str(status)}, n) for status, n in sorted(server.answered.items()))
    yield Metric("hako_web_answers_total", "counter", "HTTP answers.", answered)
    yield Metric("hako_web_failures_total", "counter", "Requests that failed by a bug.", [({}, server.failures)])
    yield _gauge("hako_web_watchers", "Pages that watch live.", [({}, len(server.hub))])
    yield Metric("hako_web_connections_refused_total", "counter", "Too many, or silent.", [({}, server.guard.refused)])
    yield Metric("hako_web_watchers_dropped_total", "counter", "Pages that were too slow.", [({}, server.hub.dropped)])
    yield Metric("hako_web_logins_throttled_total", "counter", "Log-ins told to wait.", [({}, server.throttle.refused)])
    yield _gauge("hako_web_sessions", "Log-ins kept.", [({}, len(server.door.sessions))])
