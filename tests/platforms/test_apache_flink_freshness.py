"""Figures are shown only if they are as fresh as they claim, whatever a TaskManager does."""

from typing import Any

import pytest

from exporter.fields import Flaws
from exporter.source import Details
from exporter.vendors.flink.gatherings import GATHERED_WITHIN, latest, parse_moment
from tests.platforms.flink_job_manager import JID, OTHER_JID, SOURCE_VERTEX
from tests.platforms.gathering_cluster import DELAY, Cluster
from tests.virtual_time import EPOCH


def test_delay_is_told_while_a_cluster_is_well() -> None:
    assert Cluster().delays(0, 120, 240, 250, 253, 360) == [DELAY] * 6


@pytest.mark.parametrize("tells_uptime", [True, False])
def test_delay_is_not_less_than_it_is_where_task_managers_are_gathered_later(
    tells_uptime: bool,
) -> None:
    """Their watermarks have gone on by then, and the JobManager's clock with them."""
    cluster = Cluster()
    cluster.later, cluster.tells_uptime = 0.054, tells_uptime
    [found] = cluster.looks(0)
    told = found.job.input_delay_seconds
    assert told is not None
    assert DELAY <= told <= DELAY + GATHERED_WITHIN


@pytest.mark.parametrize(
    ("moment", "now", "expected"),
    [
        (100.0, 100.0, 100.0),
        (100.0, 100.5, 100.5),
        (100.0, 109.0, 100.75),
        # Out of a cache, which says nothing of now.
        (100.0, 98.0, 100.75),
    ],
)
def test_figures_are_of_the_moment_in_which_the_last_of_them_can_have_come(
    moment: float, now: float, expected: float
) -> None:
    assert latest(moment, now) == expected


def test_first_look_after_a_freeze_tells_no_delay_beside_a_fresh_uptime() -> None:
    """The JobManager's own figures are new then, those of the TaskManagers are not."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if moment >= 130 else None

    delays = cluster.delays(0, 120, 240, 360, 480, act=act)
    assert delays == [DELAY, DELAY, None, None, None]


@pytest.mark.parametrize("pause", [12.0, 20.0, 45.0])
def test_delay_is_never_larger_than_it_is_however_often_one_looks(pause: float) -> None:
    """Within what Flink lets figures become, a delay is told as of when they were gathered."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if moment >= 130 else None

    delays = cluster.delays(*(pause * number for number in range(40)), act=act)
    assert set(delays) == {DELAY, None}
    assert delays[-1] is None


@pytest.mark.parametrize("frozen", range(400, 440))
def test_no_delay_is_told_at_the_first_look_after_a_freeze_where_jobs_share_a_cluster(
    frozen: int,
) -> None:
    """What was gathered last is of the poll before, in which another job was asked about."""
    delays = [each.job.input_delay_seconds for each in Cluster().shared(frozen, until=600)]
    before = frozen // 20 + 1
    assert all(each is not None and each < DELAY + 1 for each in delays[:before])
    assert set(delays[before:]) == {None}


def test_cluster_that_gathers_nothing_any_more_tells_it_of_all_its_jobs() -> None:
    """Each is looked at in its turn; what stands still for one does so for all: told once."""
    found = Cluster().shared(290, until=400)
    told = [dict(each.withdrawn_elsewhere) for each in found]
    # At 300 the JobManager's own figures come once more; at 320 they are too old for this cluster.
    assert [number for number, each in enumerate(told) if each] == [16]
    [(key, names)] = told[16].items()
    assert key.job_id == OTHER_JID
    assert "input_delay_seconds" in names
    assert set(names) == set(found[16].withdrawn)


def test_growth_alone_takes_nothing_but_the_delay_away() -> None:
    cluster = Cluster()
    cluster.emits = True

    def act(moment: float) -> None:
        cluster.stalled = 130.0 if moment >= 130 else None

    found = cluster.looks(0, 120, 240, 270, 390, act=act)
    delay = {"input_delay_seconds"}
    others = [set(each.withdrawn) - delay for each in found]
    assert [set(each.withdrawn) - others[1] == delay for each in found] == [
        *(False, False, True, False, False)
    ]
    assert others[1:] == [others[1]] * 4
    assert [each.job.read_records for each in found[1:]] == [1200.0, 2400.0, 2700.0, 3900.0]
    assert [each.in_doubt for each in found] == [False, False, True, False, False]


def test_delay_comes_back_with_the_task_manager() -> None:
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if 130 <= moment < 500 else None

    assert cluster.delays(0, 120, 240, 360, 600, 720, act=act) == [
        *(DELAY, DELAY, None, None, DELAY, DELAY)
    ]


def test_gathering_that_timed_out_proves_nothing() -> None:
    """After ten minutes Flink gives a silent TaskManager up, and begins again."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if moment >= 130 else None
        if moment == 840:
            # The JobManager's figures are gathered anew, the others wait again.
            cluster.uptime_at = 840.0

    delays = cluster.delays(0, 120, 240, 360, 480, 600, 720, 840, 960, act=act)
    assert delays == [DELAY, DELAY, *[None] * 7]


def test_job_that_stands_still_is_believed_at_the_second_look() -> None:
    """That figures were gathered once more proves that all were there before."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.stalled = 130.0 if moment >= 130 else None

    delays = cluster.delays(0, 120, 240, 360, 480, act=act)
    assert delays == [DELAY, DELAY, None, DELAY + 230, DELAY + 350]


def test_versions_without_an_uptime_still_tell_a_delay() -> None:
    cluster = Cluster()
    cluster.tells_uptime = False
    assert cluster.delays(0) == [DELAY]


def test_job_of_which_nothing_runs_has_no_delay() -> None:
    """After a loss of its TaskManager it is RUNNING without slots, and gauges keep their values."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.running_tasks = 2 if moment < 200 else 0

    assert cluster.delays(0, 120, 240, act=act) == [DELAY, DELAY, None]
    cluster.asked()


def _restarts(found: list[Details]) -> list[int | None]:
    return [each.job.restart_times for each in found]


def test_restarts_come_from_attempts_while_metrics_stand_still() -> None:
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if moment >= 130 else None
        cluster.restarts = 4 if moment >= 300 else 0
        cluster.restarted = moment - 1 if moment >= 300 else 0.0

    assert _restarts(cluster.looks(0, 120, 240, 360, 480, act=act)) == [0, 0, 0, 4, 4]


def test_one_restart_is_certain_where_attempts_cannot_be_had() -> None:
    """The job object says that the job has restarted since it was last counted."""
    cluster = Cluster()

    def act(moment: float) -> None:
        cluster.frozen = 130.0 if moment >= 130 else None
        cluster.restarted = moment - 1 if moment >= 300 else 0.0

    cluster.busy = True
    found = cluster.looks(0, 120, 240, 360, act=act)
    assert _restarts(found) == [0, 0, 0, 1]
    assert [len(each.failures) for each in found] == [0, 0, 0, 1]


def test_attempts_that_cannot_be_had_take_no_restarts_away() -> None:
    """Started while metrics stand still, the exporter has nothing else to count by."""
    cluster = Cluster()
    cluster.frozen, cluster.uptime_at, cluster.restarts = 0.0, 0.0, 4

    def act(moment: float) -> None:
        cluster.busy = moment > 600

    heard, unheard = cluster.looks(600, 720, act=act)
    assert (heard.job.restart_times, len(unheard.failures)) == (4, 1)
    assert "restart_times" not in unheard.withdrawn


def test_restarts_that_nobody_counted_are_withdrawn() -> None:
    """Started while metrics stand still, the exporter knows none, and says so."""
    cluster = Cluster()
    cluster.frozen, cluster.uptime_at = 0.0, 0.0

    def answer() -> None:
        Cluster.answer(cluster)
        cluster.answers[f"/jobs/{JID}"]["vertices"] = []

    cluster.answer = answer  # type: ignore[method-assign]
    [found] = cluster.looks(600)
    assert (found.job.restart_times, found.job.input_delay_seconds) == (None, None)
    assert {"restart_times", "input_delay_seconds", "read_records"} <= set(found.withdrawn)


def test_no_more_calls_are_made_while_all_is_well() -> None:
    cluster = Cluster()
    cluster.looks(0)
    assert len(cluster.asked()) == 7  # The names of the metrics are not known yet.
    cluster.looks(0, 120)
    # Nor are they of a source that has emitted nothing; the exceptions are as they were.
    assert len(cluster.asked()) == 7 + 5


def test_question_about_the_metrics_comes_last() -> None:
    """Asked for the job, Flink gathers them; the pause is filled with other questions."""
    cluster = Cluster()
    cluster.answer()
    cluster.looks(0)
    paths = [request.url.path.rpartition("/")[2] for request in cluster.requests]
    assert paths[0] == JID
    assert set(paths[1:3]) == {"exceptions", "checkpoints"}
    assert paths[3:] == ["metrics"] * 4


@pytest.mark.parametrize(
    ("metrics", "running", "moment"),
    [
        ([{"id": "uptime", "value": "60000"}], EPOCH - 70, EPOCH - 10),
        ([{"id": "uptime", "value": "60000"}], EPOCH - 57, EPOCH + 3),
        ([{"id": "uptime", "value": "60000"}], EPOCH, None),
        ([{"id": "uptime", "value": "60000"}], None, None),
        ([{"id": "uptime", "value": "0"}], EPOCH - 70, None),
        ([{"id": "uptime", "value": "-1"}], EPOCH - 70, None),
        ([{"id": "uptime", "value": "long"}], EPOCH - 70, None),
        ([{"id": "numRestarts", "value": "3"}], EPOCH - 70, None),
        ({}, EPOCH - 70, None),
    ],
    ids=str,
)
def test_moment_of_figures(metrics: Any, running: float | None, moment: float | None) -> None:
    assert parse_moment(metrics, running, EPOCH, Flaws()) == moment


def test_job_object_that_is_older_than_the_count_adds_no_restart() -> None:
    """Attempts tell how it is, once; then the count is enough again."""
    cluster = Cluster()

    def act(moment: float) -> None:
        # It restarted 2 s before the second look, whose job object is from before that.
        cluster.restarts = 1 if moment >= 120 else 0
        cluster.restarted = 118.0 if moment >= 240 else 0.0

    asked = f"/jobs/{JID}/vertices/{SOURCE_VERTEX}"
    assert _restarts(cluster.looks(0, 120, 240, 360, act=act)) == [0, 1, 1, 1]
    assert [request.url.path for request in cluster.requests].count(asked) == 1
