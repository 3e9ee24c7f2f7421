"""Runs a box in the foreground until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys

import uvloop

from appliance.app.addresses import port_problem
from appliance.app.allocator import give_back
from appliance.app.box import Box
from appliance.options import Options

SWITCH_SECONDS = 0.0005
"""How long a thread that computes (a search of records) may keep the loop waiting; the interpreter's own 5 ms, taken
several times in one call, would be heard as a late answer."""


def set_up_log() -> None:
    """Lines of warnings and errors on standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("hako").setLevel(logging.INFO)


def serve(options: Options) -> int:
    """Runs a box until SIGINT, SIGTERM or the end of its terminal (SIGHUP), or until SIGUSR1, after which conversations
    go on until the next start takes them over; 0 when it stopped as asked. Raises HakoError with what is wrong."""
    set_up_log()
    sys.setswitchinterval(SWITCH_SECONDS)
    give_back()
    box = Box(options)
    return uvloop.run(_run(box))


async def _run(box: Box) -> int:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def stop(keep_calls: bool) -> None:
        if not told.done():
            told.set_result(keep_calls)

    for number in ends():
        loop.add_signal_handler(number, stop, False)
    loop.add_signal_handler(signal.SIGUSR1, stop, True)
    for line in box.opened.notes:
        box.note(line)
    try:
        await box.start()
    except OSError as error:
        raise port_problem(error, *box.listening) from error
    settle_memory()
    language = box.opened.site.site.language
    for finding in box.off():
        box.note(f"{finding.text[language]} {finding.remedy[language]}".strip())
    announce(box)
    keep_calls = await told
    await box.stop("handed-over" if keep_calls else "stopped", keep_calls=keep_calls)
    return 0


def ends() -> list[signal.Signals]:
    """Signals that end a box; that of a closed terminal among them, unless nohup(1) has it ignored."""
    hang_up = [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hang_up]


def settle_memory() -> None:
    """What was built at the start stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def announce(box: Box) -> None:
    """Says that calls can be made."""
    options = box.options
    if options.on_ready is not None:
        https = box.https_urls()[:1]
        options.on_ready(box.sip_addresses()[0], box.web_urls()[0], box.opened.log_in, https[0] if https else "")
