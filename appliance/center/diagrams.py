"""Draws the state tables of the call centre and of SIP as Mermaid diagrams: `python -m appliance.center.diagrams >
docs/states.md`."""

from __future__ import annotations

from appliance.center.agent import STATE, STATES_OF_STATUS, STATUS
from appliance.center.answering_machine import ANSWERING_MACHINE
from appliance.center.login import LOGIN
from appliance.center.menu import MENU
from appliance.center.queue import ENTRY
from appliance.center.table import Table
from appliance.sip import tables

TABLES = (STATUS, STATE, ENTRY, MENU, LOGIN, ANSWERING_MACHINE)


def _transaction(name: str, meaning: str, rows: tables.Table) -> Table:
    initial = next(iter(rows))[0]
    return Table(name, meaning, initial, {key: state for key, (state, _) in rows.items()})


TRANSACTIONS = (
    _transaction("INVITE client", "An INVITE that we sent.", tables.INVITE_CLIENT),
    _transaction("Other client", "Any other request that we sent.", tables.NON_INVITE_CLIENT),
    _transaction("INVITE server", "An INVITE that came.", tables.INVITE_SERVER),
    _transaction("Other server", "Any other request that came.", tables.NON_INVITE_SERVER),
)


def diagram(table: Table) -> str:
    """One table as a Mermaid state diagram; inputs that lead the same way share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), target in table.rows.items():
        arrows.setdefault((state, target), []).append(event)
    lines = ["stateDiagram-v2", f"    [*] --> {_name(table.initial)}"]
    lines += [f"    {_name(state)} --> {_name(to)}: {', '.join(events)}" for (state, to), events in arrows.items()]
    sources = {state for state, _ in table.rows}
    lines += [f"    {_name(state)} --> [*]" for state in sorted(table.states - sources)]
    names = [state for state in sorted(table.states) if _name(state) != state]
    lines[1:1] = [f'    state "{state}" as {_name(state)}' for state in names]
    return "\n".join(lines)


def _name(state: str) -> str:
    return state.replace("-", "_")


def _section(table: Table) -> str:
    return f"## {table.name}\n{table.meaning}\n\n```mermaid\n{diagram(table)}\n```"


def document() -> str:
    """The whole of docs/states.md."""
    parts = [_HEAD]
    parts += [_section(table) for table in TABLES]
    rows = [f"| {status} | {', '.join(sorted(states))} |" for status, states in STATES_OF_STATUS.items()]
    parts.append("## Status and state together\n| status | states it can go with |\n|---|---|\n" + "\n".join(rows))
    parts += [_TAIL, _SIP]
    parts += [_section(table) for table in TRANSACTIONS]
    return "\n\n".join(parts) + "\n"


_HEAD = """# States

Made from the tables in `appliance/center` and `appliance/sip` by `python -m appliance.center.diagrams`; do not edit.
An input that a table does not name in a state is an error of ours (`UndefinedTransition`), contained to the call it
happened in."""

_TAIL = """A break or log-out chosen during a call changes the status at once; the state follows when the call is over:
after a break through wrap-up, after a log-out without it. A log-out ends a wrap-up; an open offer is withdrawn."""

_SIP = """# SIP transactions
As RFC 3261 17 with RFC 6026; a request whose next hop must be looked up first waits in "resolving". An input is a
class of responses, a request, a timer or an error of the transport."""

if __name__ == "__main__":
    print(document(), end="")
