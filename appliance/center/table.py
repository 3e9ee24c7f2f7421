"""State machines as data: a table of (state, input) → next state. What is not in the table is a typed error."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.errors import UndefinedTransition

Rows = Mapping[tuple[str, str], str]


class Table:
    """One state machine. Immutable after it is made; the diagrams in the documentation are drawn from `rows`."""

    __slots__ = ("initial", "meaning", "name", "rows")

    def __init__(self, name: str, meaning: str, initial: str, rows: Rows) -> None:
        self.name, self.meaning, self.initial, self.rows = name, meaning, initial, dict(rows)

    def after(self, state: str, event: str) -> str:
        """The state that `event` leads to from `state`; raises `UndefinedTransition` when the table does not say."""
        try:
            return self.rows[state, event]
        except KeyError:
            raise UndefinedTransition(self.name, state, event) from None

    @property
    def states(self) -> frozenset[str]:
        """Every state that the table names."""
        return frozenset({self.initial, *(state for state, _ in self.rows), *self.rows.values()})

    @property
    def inputs(self) -> frozenset[str]:
        """Every input that the table names."""
        return frozenset(event for _, event in self.rows)
