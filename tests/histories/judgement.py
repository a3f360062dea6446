"""Judge one shown job by what was so and by what was told."""

from collections.abc import Iterator
from itertools import chain

from exporter.model import ENDED_STATES, Job, JobKey, State
from tests.histories.answers import Mark, job_id, read_marks, start
from tests.histories.cloud import Sky
from tests.histories.history import POLL_INTERVAL, History, Weather
from tests.histories.memory import Memory, Told
from tests.histories.rules import Broken, Rule, brief
from tests.histories.truth import Facts, JobTruth, Truth
from tests.virtual_time import EPOCH

_EPS = 0.01
_GOING = frozenset({State.RUNNING, State.RESTARTING, State.STOPPING})


class Judge:
    """Knows the truth and what was told of it."""

    def __init__(self, history: History, truth: Truth, memory: Memory, sky: Sky) -> None:
        self._history = history
        self._kind = history.kind
        self._truth = truth
        self._memory = memory
        self._sky = sky
        self._last: dict[JobKey, tuple[Job, set[Mark], set[float]]] = {}

    def forget(self) -> None:
        """Forget what was shown: the exporter is a new one."""
        self._last.clear()

    def leaves(self, key: JobKey) -> None:
        """Hear that a job is shown no longer: if it comes back, it is seen for the first time."""
        self._last.pop(key, None)

    def of(self, key: JobKey) -> Iterator[JobTruth]:
        """Yield the jobs that have, or had, a key."""
        for job in self._truth.jobs:
            if job.project == key.project and job_id(self._kind, job, job.facts[0]) == key.job_id:
                yield job

    def judge(self, job: Job, all_shown: tuple[Job, ...], now: float) -> None:
        """Judge a job as it is shown; raises Broken."""
        known = self._memory.jobs.get(job.key)
        if known is None:
            gone = job.key in self._memory.gone
            rule = Rule.DELETED_LEAVE if gone else Rule.STATE_WAS_SO
            raise Broken(rule, now, f"{job.job_id} is shown: {brief(job)}")
        true = self._judge_state(job, known, now)
        self._judge_freshness(job, known, now)
        marks = self._judge_run(job, known, true, now)
        self._judge_restarts(job, known, marks, now)
        self._judge_times(job, known, true, marks, now)
        self._judge_end(job, known, now)
        if self._kind.run_is_id and job.ended:
            for other in all_shown:
                if (
                    other.job_name == job.job_name
                    and _follows(other, job)
                    and not self._was_there_before(other, job)
                ):
                    raise Broken(Rule.LATER_RUN_REPLACES, now, f"{job.job_id}: {other.job_id}")
        entered = {facts.since for _, facts in true}
        self._last[job.key] = job, marks, entered

    def _was_there_before(self, other: Job, job: Job) -> bool:
        """Say whether a job was submitted before a run began, and started after it.

        Which of the two is the later one is a matter of taste.
        """
        return any(EPOCH + each.created < _begun(job) for each in self.of(other.key))

    def _during(self, job: Job, begin: float, end: float) -> list[tuple[JobTruth, Facts]]:
        return [
            (each, facts)
            for each in self.of(job.key)
            for facts in each.during(begin - self._kind.details_lag - _EPS, end + _EPS)
        ]

    def _judge_state(self, job: Job, known: Told, now: float) -> list[tuple[JobTruth, Facts]]:
        """Return what was so when the state was observed."""
        observed = job.observed_timestamp - EPOCH
        true = self._during(job, observed, observed)
        # A row that is silent about the state tells the name all the same.
        names = {facts.name for _, facts in true} | {known.row.job_name if known.row else ""}
        words = {facts.state: self._kind.words(facts.state) for _, facts in true}
        allowed = set(chain.from_iterable(words.values()))
        if job.state not in allowed and State.RUNNING in allowed and self._kind.finer:
            # Nothing newer speaks of the closer view, which may be as old as that.
            then = known.finer_of
            allowed |= {
                self._kind.words(facts.state)[1] for _, facts in self._during(job, then, then)
            }
            limit = self._history.stale_after + self._history.detail_interval
            if job.state in allowed and observed - then > limit + POLL_INTERVAL:
                raise Broken(Rule.NOTHING_STALE, now, f"{job.state} of {then:.2f}: {brief(job)}")
        if not known.state_told and (known.refused or known.adopted):
            # Better told as unknown than not told at all.
            allowed.add(State.UNKNOWN)
        if job.state not in allowed:
            failed = job.state is State.FAILED
            rule = Rule.HEALTHY_IS_NOT_FAILED if failed else Rule.STATE_WAS_SO
            raise Broken(rule, now, f"{job.job_id} is {sorted(words)}, shown as {job.state}")
        if job.job_name not in names and not (known.adopted and known.row is None):
            raise Broken(Rule.STATE_WAS_SO, now, f"{job.job_name}: {names}")
        delay = job.input_delay_seconds
        limit = self._history.stale_after + self._history.detail_interval + POLL_INTERVAL
        if delay is not None and observed - delay > limit:
            raise Broken(Rule.NOTHING_STALE, now, f"delay of {delay:.2f}: {brief(job)}")
        return true

    def _judge_freshness(self, job: Job, known: Told, now: float) -> None:
        said = known.state
        if said is None:
            return
        if said.observed_timestamp > now - _EPS and self._sky.clears(Weather.HANGS, now):
            # All that was waited for came in this moment, some of it while what is shown was put
            # together: what is published next has it.
            return
        if job.observed_timestamp < said.observed_timestamp - _EPS:
            raise Broken(Rule.TOLD_IS_SHOWN, now, f"{brief(said)} is newer than {brief(job)}")
        if known.row_at == known.details_at:
            return
        if job.native_status != said.native_status:
            failed = job.state is State.FAILED
            rule = Rule.HEALTHY_IS_NOT_FAILED if failed else Rule.TOLD_IS_SHOWN
            raise Broken(rule, now, f"told {said.native_status}: {brief(job)}")
        fresh = now - known.finer_of <= self._history.detail_interval
        if known.finer not in (None, job.state) and said.state is State.RUNNING and fresh:
            raise Broken(Rule.RESTARTS_SHOW, now, f"told {known.finer}: {brief(job)}")

    def _judge_run(
        self, job: Job, known: Told, true: list[tuple[JobTruth, Facts]], now: float
    ) -> set[Mark]:
        """Return the runs that the facts shown belong to: one, or none."""
        marks = read_marks(job)
        if job.start_timestamp is not None:
            starts = {
                (each.number, facts.run): start(self._kind, facts)
                for each in self.of(job.key)
                for facts in each.facts
                if facts.run
            }
            begun = job.start_timestamp - EPOCH
            of = {mark for mark, at in starts.items() if at is not None and abs(at - begun) < _EPS}
            if not of:
                raise Broken(Rule.RUN_OWNS_FACTS, now, f"no run began so: {brief(job)}")
            marks = marks & of if marks and marks & of else marks | set(sorted(of)[-1:])
        before = self._may_be_of_the_run_before(known)
        # A run that failed before it ran tells its error, and no start that would tell it apart.
        unknowable = before and self._kind.rows_tell_run and self._kind.details_are_rows
        if len(marks) > 1 and not unknowable:
            raise Broken(Rule.RUN_OWNS_FACTS, now, f"{sorted(marks)}: {brief(job)}")
        allowed = {(each.number, facts.run) for each, facts in true}
        if before:
            then = known.details_of
            allowed |= {(each.number, f.run) for each, f in self._during(job, then, then)}
        if not self._kind.tells_runs or unknowable:
            # What it failed of last stays told until a word can only be about another run.
            observed = job.observed_timestamp - EPOCH
            allowed |= {
                (each.number, f.run) for each in self.of(job.key) for f in each.during(0, observed)
            }
        if not marks <= allowed:
            text = f"facts of {sorted(marks)} while {sorted(allowed)}: {brief(job)}"
            raise Broken(Rule.RUN_OWNS_FACTS, now, text)
        return marks

    def _may_be_of_the_run_before(self, known: Told) -> bool:
        """Say whether nothing told that there was another run since details were had."""
        row = known.row
        # One that has not run yet may have neither a start nor an id.
        named = self._kind.rows_tell_run and row is not None and (row.run_id or row.start_timestamp)
        unnamed = not named and not known.another_run
        by_row = self._kind.rows_tell_run and self._kind.details_are_rows
        return unnamed and (known.details is not None or by_row or row is None or known.adopted)

    def _judge_restarts(self, job: Job, known: Told, marks: set[Mark], now: float) -> None:
        if known.restarts is None:
            return
        mark, count = known.restarts
        if mark in marks and job.restart_times != count:
            text = f"told {count}, shown {job.restart_times}: {brief(job)}"
            raise Broken(Rule.RESTARTS_SHOW, now, text)

    def _judge_times(
        self,
        job: Job,
        known: Told,
        true: list[tuple[JobTruth, Facts]],
        marks: set[Mark],
        now: float,
    ) -> None:
        observed = job.observed_timestamp - EPOCH
        duration = job.duration_seconds
        if duration is not None and duration < 0:
            raise Broken(Rule.DURATION_FITS, now, f"{duration}: {brief(job)}")
        if duration is not None and job.state in _GOING | ENDED_STATES:
            begins = {at for _, facts in true for at in (facts.begun, facts.started)}
            if job.start_timestamp is not None:
                begins.add(job.start_timestamp - EPOCH)
            ends = {observed if facts.ended is None else facts.ended for _, facts in true}
            fits = any(
                abs(end - begin - duration) <= self._kind.details_lag + _EPS
                for begin in begins
                if begin is not None
                for end in ends
            )
            if not fits:
                raise Broken(
                    Rule.DURATION_FITS, now, f"{duration} of {begins}..{ends}: {brief(job)}"
                )
        since = job.state_since_timestamp
        # Details date a state by what they know, which is what was so when they were made.
        dated = [*true, *self._during(job, known.details_of, known.details_of)]
        entered = [facts.since for _, facts in dated if job.state in self._kind.words(facts.state)]
        if since is not None and entered:
            # One that starts may have neither a start nor an id.
            names_run = self._kind.rows_tell_run and (job.run_id or job.start_timestamp)
            if not names_run and known.word_at is not None:
                # Since then nothing needs to have told that the state was left in between.
                dated += self._during(job, known.word_at, known.word_at)
            coarse = self._kind.finer or self._kind.restarts_unseen
            least = min((f.begun or 0.0) if coarse else f.since for _, f in dated)
            if not EPOCH + least - _EPS <= since <= job.observed_timestamp + _EPS:
                raise Broken(Rule.TIME_GOES_ON, now, f"since {since - EPOCH:.2f}: {brief(job)}")
        before = self._last.get(job.key)
        if before is None or not marks or before[1] != marks:
            return
        was = before[0]
        if job.observed_timestamp < was.observed_timestamp:
            raise Broken(Rule.TIME_GOES_ON, now, f"observed before {brief(was)}: {brief(job)}")
        earlier = since is not None and since < (was.state_since_timestamp or 0.0) - _EPS
        exact = any(abs(EPOCH + at - (since or 0.0)) < _EPS for at in entered)
        same = was.state is job.state and len(entered) == 1 and before[2] == set(entered)
        later = since is not None and since > (was.state_since_timestamp or since) + _EPS
        if (earlier or (same and later)) and not exact:
            raise Broken(Rule.TIME_GOES_ON, now, f"{brief(job)}\n      and before: {brief(was)}")

    def _judge_end(self, job: Job, known: Told, now: float) -> None:
        if job.state not in (State.STOPPED, State.FINISHED):
            return
        ended = known.ended_seen
        if known.ended_told is not None:
            ended = known.ended_told - EPOCH
        if ended is not None and now - ended > self._history.ended_retention + _EPS:
            raise Broken(Rule.ENDED_LEAVE, now, f"ended at {ended:.2f}: {brief(job)}")


def _follows(other: Job, job: Job) -> bool:
    """Say whether one is a later run of an ended one: none is that ran already when it failed."""
    ran_already = (
        job.state is State.FAILED
        and job.end_timestamp is not None
        and _begun(other) < job.end_timestamp
    )
    return _begun(other) > _begun(job) and not ran_already


def _begun(job: Job) -> float:
    return job.start_timestamp or job.created_timestamp or 0.0
