"""A look at the few jobs that something was heard of finds what a look at all of them finds."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.collecting.selection import Selection
from exporter.collecting.shown_jobs import ShownJobs
from exporter.collecting.tracked_job import TrackedJob
from exporter.model import Job, JobKey, State
from exporter.process.steps import finished
from exporter.source import JobSelection, SourceSettings

NOW = 1_700_000_000.0
RETENTION = 60.0
SELECTION = Selection(
    SourceSettings(name="s", platform="x", jobs=JobSelection(), ended_retention=RETENTION),
    cpu_time=lambda: 0.0,
)
KEYS = [JobKey(project="p", job_id=f"{number}") for number in range(6)]
jobs = st.builds(
    lambda name, state, word: {"job_name": name, "state": state, "native_status": word},
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([State.RUNNING, State.FAILED, State.STOPPED, State.CREATED, State.UNKNOWN]),
    st.sampled_from(["", "WORD"]),
)
"""Many share a name, some are not shown until they were asked about, some never."""
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("job"), st.sampled_from(KEYS), jobs),
        st.tuples(st.just("moved"), st.sampled_from(KEYS), st.none()),
        st.tuples(st.just("asked"), st.sampled_from(KEYS), st.none()),
        st.tuples(st.just("gone"), st.sampled_from(KEYS), st.none()),
        st.tuples(st.just("replaced"), st.sampled_from(KEYS), st.none()),
        st.tuples(st.just("wait"), st.none(), st.none()),
        st.tuples(st.just("look"), st.none(), st.none()),
    ),
    max_size=40,
)


class Watched:
    """Some jobs, and what is shown of them when only changes are looked at."""

    def __init__(self) -> None:
        self.tracks: dict[JobKey, TrackedJob] = {}
        self.replaced: frozenset[JobKey] = frozenset()
        self.shown = ShownJobs(SELECTION)
        self._moment = NOW

    def do(self, deed: str, key: JobKey | None, told: dict[str, Any] | None) -> None:
        """Do one thing to one job."""
        if deed == "wait":
            self._moment += RETENTION / 2
            return
        if key is None:
            assert self.seen() == self.seen(anew=True)
            return
        if deed == "replaced":
            self.replaced ^= {key}
            return
        track = self.tracks.get(key)
        self._moment += 1
        if deed == "moved":
            # Nobody hears that time has passed.
            if track is not None and track.job is not None:
                track.job = track.job.later(self._moment, 1.0)
            return
        self.shown.note(key, None if track is None else track.job)
        if told is not None:
            if track is None:
                track = self.tracks[key] = TrackedJob(row=_job(key, told), seen_at=self._moment)
            track.job, track.detailed_at = _job(key, told), self._moment
        elif deed == "gone":
            self.tracks.pop(key, None)
        elif track is not None:
            track.asked = True

    def seen(self, *, anew: bool = False) -> tuple[tuple[Job, ...], float | None]:
        """Return what is shown, and when the oldest details were had.

        `anew`, as one finds it who has never looked before.
        """
        shown = ShownJobs(SELECTION) if anew else self.shown
        found = finished(shown.look(self.tracks, replaced=self.replaced, now=self._moment))
        return found, finished(shown.oldest_details())


def _job(key: JobKey, told: dict[str, Any]) -> Job:
    return Job(**key._asdict(), observed_timestamp=NOW, end_timestamp=NOW, **told)


@given(deeds)
def test_looks_at_changes_show_what_looks_at_all_jobs_show(done: list[tuple[Any, ...]]) -> None:
    watched = Watched()
    for deed in done:
        watched.do(*deed)
    watched.do("look", None, None)


def test_what_is_heard_in_the_middle_of_a_look_is_shown_once_at_the_next() -> None:
    watched = Watched()
    running = {"job_name": "a", "state": State.RUNNING, "native_status": "WORD"}
    for number in range(1500):
        watched.do("job", JobKey(project="p", job_id=f"{number:04}"), running)
    look = watched.shown.look(watched.tracks, replaced=frozenset(), now=NOW)
    next(look)
    for number in (0, 999, 1000, 1499):
        # Two of them were looked at already, two were not.
        watched.do("job", JobKey(project="p", job_id=f"{number:04}"), running | {"job_name": "b"})
    finished(look)
    watched.do("look", None, None)
    assert len(watched.seen()[0]) == 1500


def test_jobs_that_nothing_was_heard_of_are_not_looked_at_again() -> None:
    watched = Watched()
    running = {"job_name": "a", "state": State.RUNNING, "native_status": "WORD"}
    for key in KEYS:
        watched.do("job", key, running)
    before, _ = watched.seen()
    # Nobody said that it is a draft now, which would not be shown.
    draft = _job(KEYS[0], running | {"state": State.CREATED})
    watched.tracks[KEYS[0]].job = draft
    watched.do("job", KEYS[1], running | {"job_name": "b"})
    after, _ = watched.seen()
    assert [job.job_id for job in after] == ["0", "2", "3", "4", "5", "1"]
    assert after[0] is draft
    assert after[1] is before[2]


def test_what_is_the_very_same_is_the_same_value() -> None:
    watched = Watched()
    running = {"job_name": "a", "state": State.RUNNING, "native_status": "WORD"}
    for key in KEYS:
        watched.do("job", key, running)
    shown, _ = watched.seen()
    watched.do("asked", KEYS[0], None)
    assert watched.seen()[0] is shown
    watched.do("moved", KEYS[0], None)
    assert watched.seen()[0] is not shown


def test_of_many_changes_each_is_seen() -> None:
    watched = Watched()
    running = {"job_name": "a", "state": State.RUNNING, "native_status": "WORD"}
    keys = [JobKey(project="p", job_id=f"{number:03}") for number in range(500)]
    for _ in range(2):
        for key in keys:
            watched.do("job", key, running)
        watched.do("look", None, None)
        assert len(watched.seen()[0]) == 500
        for key in keys[:300]:
            watched.do("gone", key, None)
        watched.do("look", None, None)
        assert [job.job_id for job in watched.seen()[0]] == [key.job_id for key in keys[300:]]
