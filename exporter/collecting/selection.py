"""Decide which jobs of a source are watched, and which of those are shown. Everything here is pure.

Jobs are chosen by their names or ids. Drafts are shown when asked for, and ended jobs for a while;
failed ones stay as long as the platform lists them, and what is expected to run is always shown.
"""

import math
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from exporter.errors import SlowExpressionError
from exporter.expressions import Expression
from exporter.model import Job, State
from exporter.source import SourceSettings

ALWAYS, NEVER = math.inf, -math.inf
_NAMES_PER_STEP = 500
_STEP = 0.005
"""Seconds of the processor for the new names of one step: some take a hundred times as long."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the expressions say of one name."""

    chosen: bool
    expected: tuple[int, ...]
    """The places in the list of expected jobs that the name fits."""


class Selection:
    """What the settings of a source say about its jobs.

    Expressions are matched once for each name, as long as listings hold it. `cpu_time` returns the
    seconds that the processor has worked for this thread.
    """

    def __init__(
        self, settings: SourceSettings, *, cpu_time: Callable[[], float] = time.thread_time
    ) -> None:
        def read(texts: Iterable[str]) -> tuple[Expression, ...]:
            return tuple(Expression(text, cpu_time=cpu_time) for text in texts)

        self._cpu_time = cpu_time
        self._jobs = settings.jobs
        self._ended_retention = settings.ended_retention
        self._include = read(settings.jobs.include)
        self._exclude = read(settings.jobs.exclude)
        self._expect = read(settings.expect)
        self._all_alike = not (self._include or self._exclude or self._expect)
        """Whether no name is told from any other."""
        self._verdicts: dict[str, _Verdict] = {}
        self._slow: SlowExpressionError | None = None

    @property
    def expects_any(self) -> bool:
        """Say whether the source has a list of jobs that should be there."""
        return bool(self._expect)

    def judge(self, names: Iterable[str]) -> Generator[None, None, None]:
        """Match the names of a listing, in steps, and forget all others.

        Raises SlowExpressionError, then and ever after, when a name cannot be matched in time.
        """
        if self._all_alike:
            return
        verdicts: dict[str, _Verdict] = {}
        began = self._cpu_time()
        for count, name in enumerate(names, start=1):
            known = self._verdicts.get(name)
            verdicts[name] = known or self._judge(name)
            if count % _NAMES_PER_STEP == 0 or (known is None and self._cpu_time() - began > _STEP):
                yield
                began = self._cpu_time()
        self._verdicts = verdicts

    def watches(self, row: Job) -> bool:
        """Say whether a job is chosen by its name; one configured by its id always is."""
        return self._all_alike or self.chooses(row.job_name)

    def chooses(self, name: str) -> bool:
        """Say whether a job of that name is chosen."""
        try:
            return self._all_alike or self._judge(name).chosen
        except SlowExpressionError:
            # Known from before; whether it stays is for the next listing to say, which fails.
            return True

    def expects(self, name: str) -> bool:
        """Say whether a job of that name is on the list of those that should be there."""
        try:
            return bool(self._expect) and bool(self._judge(name).expected)
        except SlowExpressionError:
            return False

    def unmatched(self, names: Iterable[str]) -> Generator[None, None, tuple[str, ...]]:
        """Return the entries of that list that match none of the names, in steps."""
        found: set[int] = set()
        for count, name in enumerate(names, start=1):
            try:
                found.update(self._judge(name).expected)
            except SlowExpressionError:
                continue
            if count % _NAMES_PER_STEP == 0:
                yield
        return tuple(each.text for place, each in enumerate(self._expect) if place not in found)

    def hides_draft(self, job: Job) -> bool:
        """Say whether a job is a draft that nobody wants to see."""
        return job.state is State.CREATED and not (
            self._jobs.drafts or self._jobs.ids or self.expects(job.job_name)
        )

    def shown_until(self, job: Job, *, asked: bool) -> float:
        """Return until when to show a watched job as it is: a time, or either infinity.

        `asked` is whether its details were asked for.
        """
        if not job.native_status and not asked:
            # The listing says nothing of states and details are on their way: no false unknown.
            return NEVER
        if self._jobs.ids or self.expects(job.job_name):
            return ALWAYS
        if job.state is State.CREATED:
            return ALWAYS if self._jobs.drafts else NEVER
        if job.state not in (State.STOPPED, State.FINISHED):
            return ALWAYS
        ended_at = job.end_timestamp or job.updated_timestamp
        if ended_at is None and not asked:
            # Listings hold jobs that ended years ago. Until details have told when, such a job
            # would come and go at every start of the exporter.
            return NEVER
        if ended_at is None:
            ended_at = job.state_since_timestamp or job.observed_timestamp
        return ended_at + self._ended_retention

    def _is_included(self, name: str) -> bool:
        included = not self._include or _any_matches(self._include, name)
        return included and not _any_matches(self._exclude, name)

    def _judge(self, name: str) -> _Verdict:
        known = self._verdicts.get(name)
        if known is not None:
            return known
        if self._slow is not None:
            raise self._slow
        try:
            verdict = _Verdict(
                chosen=bool(self._jobs.ids) or self._is_included(name),
                expected=tuple(
                    place for place, each in enumerate(self._expect) if each.matches(name)
                ),
            )
        except SlowExpressionError as exc:
            # Tried again at every poll, it would hold everything up each time.
            self._slow = exc
            raise
        self._verdicts[name] = verdict
        return verdict


def _any_matches(expressions: Iterable[Expression], name: str) -> bool:
    return any(expression.matches(name) for expression in expressions)
