"""What goes wrong with a request, as the API says it: `{"error": {"code", "message", "field"?}}` and a status."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from appliance.errors import CommandError, ConfigError, HakoError
from appliance.exchange.view import View


class ErrorDetail(View, frozen=True, kw_only=True, omit_defaults=True):
    code: str
    """A stable word for programs."""
    message: str
    """A sentence for people."""
    field: str = ""
    """The key that is wrong, when it is one."""
    problems: tuple[str, ...] = ()
    """Every problem of a configuration that is not valid."""


class ErrorView(View, frozen=True, kw_only=True):
    error: ErrorDetail


class Problem(HakoError):
    """Ends a request with an error answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        problems: tuple[str, ...] = (),
        hang_up: bool = False,
    ) -> None:
        """`hang_up`: the connection cannot be used for another request."""
        super().__init__(message)
        self.status, self.headers, self.hang_up = status, headers, hang_up
        self.detail = ErrorDetail(code=code, message=message, field=field, problems=problems)


_encode = msgspec.json.Encoder().encode

_WORDS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    417: "expectation_failed",
}


def respond(problem: Problem) -> web.Response:
    """The problem as an answer."""
    response = web.Response(
        status=problem.status,
        headers=problem.headers,
        body=_encode(ErrorView(error=problem.detail)),
        content_type="application/json",
    )
    if problem.hang_up:
        response.force_close()
    return response


def from_http(error: web.HTTPException) -> Problem:
    """An error of aiohttp itself (routing, body size) in our form."""
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    code = _WORDS.get(error.status, f"http_{error.status}")
    message = {
        404: "There is nothing at this address.",
        405: "This address does not know that method.",
        413: "The body is too large.",
    }.get(error.status, error.reason or "The request cannot be answered.")
    return Problem(error.status, code, message, headers=headers)


def from_command(error: CommandError) -> Problem:
    """A command that the exchange refused. Unless its code says more it is a conflict with the present state."""
    code = error.code.replace("-", "_")
    if code == "not_built":
        status = 501
    elif code == "forbidden":
        status = 403
    elif code in {"not_found", "gone"} or code.startswith(("unknown", "no_such")):
        status = 404
    elif code.startswith(("invalid", "bad")):
        status = 422
    else:
        status = 409
    return Problem(status, code, str(error), error.field or "")


def from_config(error: ConfigError) -> Problem:
    """A configuration that is not valid, with every problem; `field` is the first one's key."""
    first = error.problems[0] if error.problems else ""
    field = first.partition(":")[0] if ":" in first else ""
    return Problem(422, "invalid_config", str(error), field, problems=tuple(error.problems))


def invalid(field: str, message: str) -> Problem:
    """A value that cannot be used."""
    return Problem(422, "invalid", message, field)


def not_found(what: str, name: str) -> Problem:
    """`what` of this name does not exist, or is not for the one who asks."""
    return Problem(404, "not_found", f"There is no {what} {name[:64]!r}.")
