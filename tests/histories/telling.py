"""Tell many random histories, and make the first that breaks a rule as short as it can be."""

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.histories.drawing import histories
from tests.histories.history import History
from tests.histories.parts import REAL, Parts
from tests.histories.rehearsal import tell
from tests.histories.rules import Broken

ANY = histories()
_BY_ITSELF = (Phase.generate,)
_AND_SHORTER = (Phase.generate, Phase.shrink)


class Story(AssertionError):
    """A history in which a rule is broken; its text is the story."""

    def __init__(self, history: History, broken: Broken) -> None:
        self.history = history
        self.broken = broken
        super().__init__("\n".join(("", *history.story(), str(broken))))


def tell_many(
    count: int,
    *,
    first: int,
    drawn: SearchStrategy[History] = ANY,
    parts: Parts = REAL,
    shorten: bool = True,
    heard: Callable[[History], None] = lambda history: None,
) -> Story | None:
    """Tell so many histories, always the same for one `first`; return one that breaks a rule."""
    found: list[Story] = []

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=_AND_SHORTER if shorten else _BY_ITSELF,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(drawn)
    def each(history: History) -> None:
        heard(history)
        broken = tell(history, parts)
        if broken is not None:
            found.append(Story(history, broken))
            raise found[-1]

    try:
        each()
    except Story as story:
        return story
    return None
