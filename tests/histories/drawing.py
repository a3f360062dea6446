"""Draw histories at random, so that hypothesis can make those that fail short."""

from hypothesis import strategies as st

from tests.histories.clouds import KINDS, Kind
from tests.histories.history import Event, History, Ours, Weather
from tests.histories.truth import Deed

_PAUSES = (0, 1, 7, 16, 29, 31, 47, 64, 95, 140)
_MOST_EVENTS = 14
_OFTEN = 15

# What happens to jobs is drawn more often than what happens around them.
_WHAT: tuple[Deed | Weather | Ours, ...] = (
    *(Deed.SUBMIT,) * 6,
    *(Deed.CHANGE,) * 10,
    *(Deed.RESTART, Deed.RESUBMIT, Deed.DELETE) * 2,
    Deed.RENAME,
    *Weather,
    *Ours,
)


def histories(
    *, kinds: tuple[Kind, ...] = KINDS, often: tuple[Deed | Weather | Ours, ...] = ()
) -> st.SearchStrategy[History]:
    """Draw histories of some kinds of cloud, in which some things happen more often than usual."""
    return st.builds(
        History,
        kind=st.sampled_from(kinds),
        detail_interval=st.sampled_from((60.0, 30.0, 120.0)),
        stale_after=st.sampled_from((120.0, 60.0, 300.0)),
        ended_retention=st.sampled_from((240.0, 60.0, 0.0)),
        latency=st.sampled_from((0.0, 0.25, 2.0)),
        page_size=st.sampled_from((100, 2)),
        seed=st.integers(0, 3),
        # A history without a job would prove nothing.
        events=st.tuples(
            st.lists(_events((Deed.SUBMIT,)), min_size=1, max_size=3),
            st.lists(_events((*_WHAT, *often * _OFTEN)), min_size=1, max_size=_MOST_EVENTS),
        ).map(lambda parts: (*parts[0], *parts[1])),
    )


def _events(what: tuple[Deed | Weather | Ours, ...]) -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        pause=st.sampled_from(_PAUSES),
        what=st.sampled_from(what),
        who=st.integers(0, 3),
        choice=st.integers(0, 5),
    )
