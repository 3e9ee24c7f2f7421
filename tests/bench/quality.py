"""Voice quality by PESQ (ITU-T P.862): reference speech through each path of the engine, under loss and jitter, beside the
codec alone with the same packets lost and no network at all. `python -m tests.bench.quality [FILE]` writes the table.

The engine runs on the test's own clock (tests/unit/media/still.py), so a minute of speech takes a second and the same
network is met each time. Speech is synthesised by the box's own voice; PESQ comes from PyPI `pesq` (a development tool).
"""

from __future__ import annotations

import asyncio
import ctypes
import random
import sys
import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pesq import pesq

from appliance.media.speech_worker import speak_english
from tests.unit.media.rtp import Samples
from tests.unit.media.still import (
    CODEC,
    G722,
    L16,
    L16_8,
    L16_48,
    MS,
    OPUS,
    PCMA,
    PCMU,
    RATE,
    Sent,
    Still,
    library,
    stream,
)
