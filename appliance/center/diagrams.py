"""Draws the state tables of the call centre as Mermaid diagrams: `python -m appliance.center.diagrams >
docs/states.md`."""

from __future__ import annotations

from appliance.center.agent import STATE, STATES_OF_STATUS, STATUS
from appliance.center.login import LOGIN
from appliance.center.menu import MENU
from appliance.center.queue import ENTRY
from appliance.center.table import Table

TABLES = (STATUS, STATE, ENTRY, MENU, LOGIN)


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


def document() -> str:
    """The whole of docs/states.md."""
    parts = [_HEAD]
    parts += [f"## {table.name}\n{table.meaning}\n\n```mermaid\n{diagram(table)}\n```" for table in TABLES]
    rows = [f"| {status} | {', '.join(sorted(states))} |" for status, states in STATES_OF_STATUS.items()]
    parts.append("## Status and state together\n| status | states it can go with |\n|---|---|\n" + "\n".join(rows))
    parts.append(_TAIL)
    return "\n\n".join(parts) + "\n"


_HEAD = """# States of the call centre

Made from the tables in `appliance/center` by `python -m appliance.center.diagrams`; do not edit. An input that a table
does not name in a state is an error of ours (`UndefinedTransition`), contained to the call it happened in."""

_TAIL = """A break or log-out chosen during a call changes the status at once; the state follows when the call is over:
after a break through wrap-up, after a log-out without it. A log-out ends a wrap-up; an open offer is withdrawn."""

if __name__ == "__main__":
    print(document(), end="")
