"""What the dialogues with a caller or agent by keypad (menu, log-in) ask of whoever runs them."""

from __future__ import annotations

import msgspec

BETWEEN_KEYS_SECONDS = 3.0
"""A key may follow within this time when what was keyed could go on."""
LONGEST_PROMPT_SECONDS = 180.0
"""After this a prompt counts as finished, whatever became of its sound: no caller waits for ever."""


class Action(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base of what a dialogue asks for."""


class StopPrompt(Action, frozen=True, gc=False):
    """The person keys: be silent and listen."""
