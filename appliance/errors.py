"""The roots of every error that Hako raises on purpose."""

from __future__ import annotations


class HakoError(Exception):
    """Root of the errors that a caller may handle. `ja`: the message in Japanese, where a person may meet it."""

    def __init__(self, message: str = "", ja: str = "") -> None:
        super().__init__(message)
        self.ja = ja

    def said(self, language: str) -> str:
        """The message in "ja" or "en", in English where there is no other."""
        return (self.ja if language == "ja" else "") or str(self)


class RemoteProtocolError(HakoError):
    """A remote party's mistake. `status` is the SIP status to answer with (400 where nothing better is known)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class UndefinedTransition(HakoError):
    """A state table has no row for (state, input): a bug of ours, contained to the call it happened in."""

    def __init__(self, machine: str, state: object, event: object) -> None:
        super().__init__(f"{machine}: {event} is not defined in state {state}")
        self.machine, self.state, self.event = machine, state, event


class ConfigError(HakoError):
    """A configuration that cannot be used. Holds every problem found, not the first."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class CommandError(HakoError):
    """A command of a person or program that cannot be carried out now; `code` is a stable word for programs."""

    def __init__(self, code: str, message: str, field: str | None = None, ja: str = "") -> None:
        super().__init__(message, ja)
        self.code, self.field = code, field
