"""Give states and degrees of alarm the same colours on every panel as on the status page."""

from typing import Any

from exporter.model import State
from exporter.pages.colours import LOOKS

GOOD = LOOKS[State.RUNNING].colour
NOTICE = LOOKS[State.RESTARTING].colour
BAD = LOOKS[State.FAILED].colour
PLAIN = LOOKS[State.FINISHED].colour
QUIET = LOOKS[State.STOPPED].colour

CODES = {state: len(LOOKS) - index for index, state in enumerate(LOOKS)}
"""A number for each state, since Prometheus has no texts; the worst is the highest."""

Steps = tuple[tuple[float | None, str], ...]
"""From which value on which colour; the first has no value and is where all others begin."""

ALWAYS_PLAIN: Steps = ((None, PLAIN),)
LATE: Steps = ((None, GOOD), (300.0, NOTICE), (1800, BAD))
"""Seconds of input delay, for the eye: from where on it is a problem is for the exporter to say."""


def thresholds(steps: Steps) -> dict[str, Any]:
    """Return thresholds as Grafana writes them."""
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in steps],
    }


def state_codes() -> list[dict[str, Any]]:
    """Return value mappings that show the codes of states as names, in their colours."""
    return texts({CODES[state]: (state.value, look.colour) for state, look in LOOKS.items()})


def texts(shown: dict[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """Return value mappings that show numbers as a text in a colour."""
    return [
        {
            "type": "value",
            "options": {
                str(value): {"text": text, "color": colour, "index": index}
                for index, (value, (text, colour)) in enumerate(shown.items())
            },
        }
    ]


YES_NO = texts({1: ("yes", GOOD), 0: ("no", QUIET)})
UP_DOWN = texts({1: ("up", GOOD), 0: ("down", BAD)})
