"""Follow what is published of one source, and tell which of its jobs have a problem.

A problem that was told ends only when it was seen to be over. While a source cannot be polled
nothing is seen: not of the jobs that are still shown, nor of those that no longer are.
"""

from itertools import chain
from operator import attrgetter

from exporter.attention.by_job import job_id
from exporter.attention.memory import JobMemory
from exporter.attention.pairing import pairs
from exporter.attention.rules import RULES, Verdict, is_unremarkable
from exporter.attention_settings import AttentionSettings
from exporter.model import GoneJob, Job, Problem, ProblemKind, Snapshot
from exporter.process.steps import Steps, sorted_in_steps

_JOBS_PER_STEP = 1000
_RANKS = {kind: rank for rank, kind in enumerate(ProblemKind)}
_watched = attrgetter("restart_times", "run_id", "start_timestamp", "checkpoints_failed")
"""What tells that something happened to a job that runs now as it did before."""


class SourceAttention:
    """The problems of the jobs of one source."""

    def __init__(self, limits: AttentionSettings, *, rescales: bool = False) -> None:
        """Take the limits; `rescales` says that rescaling a job counts as a restart of it."""
        self.limits = limits
        self.rescales = rescales
        self._other_limits = False
        """Whether the limits were others when the jobs were last looked at."""
        self._memories: dict[tuple[str, str], JobMemory] = {}
        self._turn = 0
        self._silent_left = False
        """Whether anything is told of a silent job that is shown no longer."""
        self._gone: tuple[GoneJob, ...] = ()
        self._problems: tuple[Problem, ...] = ()

    def watch(self, limits: AttentionSettings, *, rescales: bool) -> None:
        """Look at the jobs by these limits from now on; what is remembered of them stays."""
        if (limits, rescales) != (self.limits, self.rescales):
            self.limits, self.rescales, self._other_limits = limits, rescales, True

    def take(self, old: Snapshot | None, new: Snapshot) -> Steps[tuple[Problem, ...]]:
        """Take in what is published in place of the last snapshot; return all problems.

        They come in a fixed order, and are the same value as before when nothing has changed.
        """
        looked = not (self._silent_left or self._other_limits)
        if old is not None and looked and _as_before(old, new):
            return self._problems
        same_limits, self._other_limits = not self._other_limits, False
        changed = new.gone != self._gone
        self._gone = new.gone
        self._turn += 1
        before = () if old is None else old.jobs
        for count, (was, job) in enumerate(pairs(before, new.jobs), start=1):
            if count % _JOBS_PER_STEP == 0:
                yield
            if job is None or (job is was and same_limits and self._is_known(job)):
                continue
            if self._look(was, job):
                changed = True
        if self._leave(new):
            changed = True
        if changed:
            yield
            self._problems = yield from self._in_order()
        return self._problems

    def _is_known(self, job: Job) -> bool:
        """Say whether nothing was wrong with the very job when it was looked at."""
        return not self._memories or job_id(job) not in self._memories

    def _look(self, was: Job | None, job: Job) -> bool:
        """Look at a job; say whether something else is wrong with it than before."""
        key = job_id(job)
        memory = self._memories.get(key)
        if memory is None:
            if is_unremarkable(job, self.limits) and (
                was is None or was is job or _watched(was) == _watched(job)
            ):
                return False
            memory = JobMemory()
        told = dict(memory.told)
        if job.stale:
            self._note_silent(job, memory)
        else:
            memory.note(was, job, self.limits, rescales=self.rescales)
            memory.told.pop(ProblemKind.SILENT, None)
            for kind, rule in RULES.items():
                self._settle(kind, rule(job, memory, self.limits), job, memory)
        memory.turn = self._turn
        if memory.is_empty:
            self._memories.pop(key, None)
        else:
            self._memories[key] = memory
        return told != memory.told

    def _note_silent(self, job: Job, memory: JobMemory) -> None:
        """Note that a job which reports by itself no longer does: nothing else is seen of it."""
        silent = Verdict(holds=True, since=job.observed_timestamp)
        self._settle(ProblemKind.SILENT, silent, job, memory)

    def _settle(self, kind: ProblemKind, verdict: Verdict, job: Job, memory: JobMemory) -> None:
        told = memory.told.get(kind)
        if verdict.holds is False:
            if told is not None:
                del memory.told[kind]
            return
        if verdict.holds is None and told is None:
            return
        known = [verdict.since if verdict.holds else None]
        if told is not None:
            known.append(told.since_timestamp)
        memory.told[kind] = Problem(
            kind=kind,
            key=job.key,
            job_name=job.job_name,
            job_kind=job.job_kind,
            since_timestamp=min(
                (since for since in known if since is not None), default=job.observed_timestamp
            ),
        )

    def _leave(self, new: Snapshot) -> bool:
        """Forget the jobs that are not there any more, if that was seen."""
        now = new.last_success_timestamp
        if new.up is not True or now is None:
            return False
        changed = False
        self._silent_left = False
        left = [key for key, memory in self._memories.items() if memory.turn != self._turn]
        for key in left:
            told = self._memories[key].told
            silent = told.get(ProblemKind.SILENT)
            if silent is not None and now - silent.since_timestamp < self.limits.gone_retention:
                # Nobody has seen it end: it has only been silent for too long to be shown.
                self._memories[key] = JobMemory(told={ProblemKind.SILENT: silent})
                self._silent_left = True
                changed = changed or len(told) > 1
            else:
                del self._memories[key]
                changed = changed or bool(told)
        return changed

    def _in_order(self) -> Steps[tuple[Problem, ...]]:
        told = chain.from_iterable(memory.told.values() for memory in self._memories.values())
        problems = [*told, *map(_gone_problem, self._gone)]
        return tuple((yield from sorted_in_steps(problems, key=_order)))


def _as_before(old: Snapshot, new: Snapshot) -> bool:
    return old.jobs is new.jobs and old.up is new.up and old.gone is new.gone


def _gone_problem(gone: GoneJob) -> Problem:
    return Problem(
        kind=ProblemKind.GONE,
        key=gone.key,
        job_name=gone.job_name,
        job_kind=gone.job_kind,
        since_timestamp=gone.gone_timestamp,
    )


def _order(problem: Problem) -> tuple[int, str, str, str]:
    key = problem.key
    return _RANKS[problem.kind], key.project, problem.job_name, key.job_id
