"""What aiohttp itself answers when a request cannot be read at all: here in our form, and one line in the log.

No middleware ever sees such a request, and aiohttp has no hook for it but its connection class.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestHandler

from appliance.web.problem import Problem, respond

_log = logging.getLogger("hako.web")


class Reader(RequestHandler):
    """A connection whose errors are answered in JSON."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read, or whose handling failed outside our middleware."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if isinstance(exc, LineTooLong):
            problem = Problem(431, "too_large", "The head of the request is too large.", hang_up=True)
        elif isinstance(exc, HttpProcessingError):
            problem = Problem(status, "bad_request", "This is no HTTP request that the box can read.", hang_up=True)
        else:
            _log.error("a request from %s failed", request.remote, exc_info=exc)
            text = "The box could not answer this. Its log says why."
            return respond(Problem(status, "internal", text, hang_up=True))
        _log.info("a request from %s cannot be read: %s", request.remote, type(exc).__name__)
        return respond(problem)


def connections(runner: web.AppRunner) -> Callable[[], asyncio.Protocol]:
    """Makes the connections of a runner that is set up."""
    make = cast(Callable[[], RequestHandler], runner.server)

    def one() -> asyncio.Protocol:
        connection = make()
        connection.__class__ = Reader
        return connection

    return one
