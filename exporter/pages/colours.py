"""Give each state one look, the same on the status page and on the dashboards.

The colours are those of Okabe and Ito, which people with any kind of colour blindness can tell
apart, and greys for what is at rest. A colour never stands alone: each state has a shape as well,
and its name is always written beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a state is shown."""

    colour: str
    """On a light background and on dashboards, as #RRGGBB."""
    on_dark: str
    """On a dark background: the same hue, light enough to be seen there."""
    shape: str
    """The path of an SVG shape in a box of 16 by 16."""


LOOKS: Mapping[State, Look] = MappingProxyType(
    {
        State.FAILED: Look(
            colour="#D55E00",
            on_dark="#F2792B",
            shape="M4 1 8 5l4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4-4-4z",
        ),
        State.RESTARTING: Look(colour="#E69F00", on_dark="#E69F00", shape="M8 1l7 7-7 7-7-7z"),
        State.STARTING: Look(colour="#56B4E9", on_dark="#56B4E9", shape="M3 2l11 6-11 6z"),
        State.RUNNING: Look(
            colour="#009E73", on_dark="#1DB88C", shape="M14 8a6 6 0 1 1-12 0 6 6 0 0 1 12 0z"
        ),
        State.STOPPING: Look(colour="#CC79A7", on_dark="#CC79A7", shape="M2 3h12L8 14z"),
        State.STOPPED: Look(colour="#999999", on_dark="#999999", shape="M3 3h10v10H3z"),
        State.SUSPENDED: Look(
            colour="#F0E442", on_dark="#F0E442", shape="M3 2h4v12H3zm6 0h4v12H9z"
        ),
        State.FINISHED: Look(
            colour="#0072B2", on_dark="#3D9BD9", shape="M1 9l3-3 3 3 6-7 2 2-8 10z"
        ),
        State.CREATED: Look(
            colour="#BBBBBB", on_dark="#BBBBBB", shape="M6 2h4v4h4v4h-4v4H6v-4H2V6h4z"
        ),
        State.UNKNOWN: Look(colour="#000000", on_dark="#FFFFFF", shape="M5 2h6l4 6-4 6H5L1 8z"),
    }
)


def stylesheet() -> str:
    """Return the CSS rules that colour everything of class `state-<name>`."""
    rules = "".join(_rule(state, look.colour) for state, look in LOOKS.items())
    dark = "".join(_rule(state, look.on_dark) for state, look in LOOKS.items())
    return f"{rules}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _rule(state: State, colour: str) -> str:
    return f".state-{state.value} {{ --state: {colour}; }}\n"
