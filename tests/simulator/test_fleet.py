"""The simulated fleet: a pure function of seed, script and time, with enough going on in it."""

import pytest

from exporter.simulator.fleet.fleet import ENDED, Fleet, Phase, View

START = 1_800_000_000.0
MOMENTS = [START + offset for offset in range(0, 200 * 37, 37)]


def make_fleet(seed: int = 7, jobs: int = 12, incident_period: float = 600.0) -> Fleet:
    return Fleet(seed=seed, started_at=START, jobs=jobs, incident_period=incident_period)


def named(fleet: Fleet, name: str, now: float) -> View:
    view = fleet.named(name, now)
    assert view is not None
    return view


def test_views_are_equal_when_seed_and_moment_are() -> None:
    """What was asked before changes nothing."""
    one, other = make_fleet(), make_fleet()
    forwards = [one.views(now) for now in MOMENTS]
    backwards = [other.views(now) for now in reversed(MOMENTS)]
    assert forwards == backwards[::-1]


def test_views_differ_when_the_seed_does() -> None:
    """Two clouds in one demonstration are not copies of each other."""
    assert make_fleet(seed=1).views(START) != make_fleet(seed=2).views(START)


@pytest.mark.parametrize("period", [60, 600])
def test_twelve_jobs_show_seven_phases_at_any_moment(period: int) -> None:
    """A demonstration is interesting whenever somebody looks."""
    fleet = make_fleet(incident_period=period)
    fewest = min(len({view.phase for view in fleet.views(now)}) for now in MOMENTS)
    assert fewest >= 7


def test_every_phase_occurs_within_one_act() -> None:
    """Each incident begins within the first minutes."""
    fleet = make_fleet()
    seen = {view.phase for now in range(600) for view in fleet.views(START + now)}
    assert seen == set(Phase) - {Phase.GONE}


def test_times_of_a_run_are_in_order_at_any_moment() -> None:
    """No run starts in the future or ends before it starts."""
    fleet = make_fleet()
    for now in MOMENTS:
        for view in fleet.views(now):
            times = [view.created_at, view.submitted_at, view.started_at, view.ended_at, now]
            known = [time for time in times if time is not None]
            assert known == sorted(known)
            assert view.created_at <= view.changed_at <= now
            assert (view.ended_at is not None) == (view.phase in ENDED)


def test_restarts_never_decrease_within_a_run() -> None:
    """A restart count only starts anew with a new run."""
    fleet = make_fleet()
    highest: dict[int, int] = {}
    for now in range(0, 1900, 5):
        for view in fleet.views(START + now):
            assert view.restarts >= highest.get(view.run_id, 0)
            highest[view.run_id] = view.restarts
    assert max(highest.values()) > 30


def test_numbers_and_runs_are_unique_at_any_moment() -> None:
    """An id belongs to one job, a run id to one run of it."""
    fleet = make_fleet(jobs=150)
    owners: dict[int, tuple[int, str, int]] = {}
    for now in MOMENTS:
        views = fleet.views(now)
        assert len({view.number for view in views}) == len(views)
        for view in views:
            owner = (view.number, view.name, view.run)
            assert owners.setdefault(view.run_id, owner) == owner


def test_a_failed_job_is_fixed_by_a_new_run() -> None:
    """The failing job of the script comes back in its next run, with the failure gone."""
    fleet = make_fleet()
    failed = named(fleet, "payments_dedup", START + 100)
    fixed = named(fleet, "payments_dedup", START + 320)
    assert (failed.phase, failed.error_at, fixed.phase) == (
        Phase.FAILED,
        START + 60,
        Phase.RUNNING,
    )
    assert failed.error is not None
    assert fixed.error is None
    assert (fixed.number, fixed.run) == (failed.number, failed.run + 1)


def test_a_resubmitted_job_has_a_new_number_and_a_stopped_predecessor() -> None:
    """The same name is listed twice, once per id."""
    views = [view for view in make_fleet().views(START + 230) if view.name == "fraud_scoring"]
    assert [view.phase for view in views] == [Phase.STOPPED, Phase.RUNNING]


def test_a_deleted_job_is_not_viewed_any_more() -> None:
    """The experiment exists a minute after the start, and is gone soon after."""
    fleet = make_fleet()
    number = named(fleet, "experiment_joins", START + 60).number
    assert fleet.view(number, START + 70) is None
    assert fleet.named("experiment_joins", START + 70) is None


def test_the_lagging_job_lags_ever_more() -> None:
    """Its delay grows with every second until it is scaled up."""
    fleet = make_fleet()
    lags = [named(fleet, "orders_enrichment", START + at).lag_seconds or 0.0 for at in (0, 500)]
    after = named(fleet, "orders_enrichment", START + 560).lag_seconds or 0.0
    assert lags[0] < 60
    assert lags[1] - lags[0] == pytest.approx(400, abs=5)
    assert after < 60


def test_a_crash_looping_job_falls_behind() -> None:
    """Whoever only restarts gets nothing done."""
    view = named(make_fleet(), "clickstream_sessions", START + 290)
    assert (view.phase, view.previous, view.restarts) == (Phase.RESTARTING, Phase.RUNNING, 21)
    assert (view.lag_seconds or 0.0) >= 200


def test_only_active_jobs_have_a_lag() -> None:
    """A draft or a stopped job has no delay, rather than a delay of 0."""
    views = make_fleet().views(START + 200)
    unknown = {view.phase for view in views if view.lag_seconds is None}
    assert unknown >= {Phase.DRAFT, Phase.STOPPED, Phase.FAILED, Phase.FINISHED}
    assert not unknown & {Phase.RUNNING, Phase.RESTARTING}


def test_plain_names_are_ascii_without_blanks() -> None:
    """Platforms that allow nothing else get other names for the same stories."""
    names = {view.name for view in Fleet(seed=1, started_at=START).views(START)}
    plain = {v.name for v in Fleet(seed=1, started_at=START, plain_names=True).views(START)}
    assert {"每日对账", "session rollup"} <= names
    assert all(name.isascii() and " " not in name for name in plain)


def test_names_carry_the_prefix_and_grow_with_the_fleet() -> None:
    """A fleet of any size has names of its own."""
    views = Fleet(seed=1, started_at=START, jobs=500, prefix="prod_").views(START)
    assert len({view.name for view in views}) == 500
    assert all(view.name.startswith("prod_") for view in views)


def test_set_phase_takes_a_job_out_of_its_script() -> None:
    """An overridden job stays as it was put, whatever its story says."""
    fleet = make_fleet()
    fleet.set_phase("payments_dedup", Phase.STOPPED, START + 10)
    view = named(fleet, "payments_dedup", START + 10_000)
    assert (view.phase, view.ended_at, view.run) == (Phase.STOPPED, START + 10, 1)


def test_set_phase_begins_a_new_run_when_the_old_one_had_ended() -> None:
    """Starting a stopped job is another run; restarting a running one is not."""
    fleet = make_fleet()
    fleet.set_phase("device_telemetry", Phase.RESTARTING, START + 10)
    fleet.set_phase("device_telemetry", Phase.RUNNING, START + 20)
    same = named(fleet, "device_telemetry", START + 30)
    fleet.set_phase("device_telemetry", Phase.FAILED, START + 40)
    fleet.set_phase("device_telemetry", Phase.RUNNING, START + 50)
    other = named(fleet, "device_telemetry", START + 60)
    assert (same.restarts, same.run) == (1, 1)
    assert (other.restarts, other.run, other.started_at) == (0, 2, START + 50)


def test_set_phase_ends_the_rebirths_of_a_job() -> None:
    """Its predecessor stays what it was, and no successor appears."""
    fleet = make_fleet()
    running = named(fleet, "fraud_scoring", START)
    fleet.set_phase("fraud_scoring", Phase.FAILED, START + 10)
    views = [view for view in fleet.views(START + 10_000) if view.name == "fraud_scoring"]
    assert [view.phase for view in views] == [Phase.STOPPED, Phase.FAILED]
    assert views[1].number == running.number


def test_one_job_looks_the_same_from_every_side() -> None:
    """By number, by name and in the list."""
    fleet = make_fleet()
    for now in MOMENTS[:40]:
        views = fleet.views(now)
        assert [fleet.view(view.number, now) for view in views] == list(views)
        assert {fleet.named(view.name, now) for view in views} <= set(views)
    assert fleet.view(999, START) is None


def test_remove_makes_a_job_vanish_from_then_on() -> None:
    """It is still there when asked about an earlier moment."""
    fleet = make_fleet()
    fleet.remove("session rollup", START + 10)
    assert fleet.named("session rollup", START + 9) is not None
    assert fleet.named("session rollup", START + 10) is None


def test_resubmit_gives_the_same_name_a_new_number() -> None:
    """The old number is stopped, the new one runs."""
    fleet = make_fleet()
    old = named(fleet, "device_telemetry", START)
    new = fleet.resubmit("device_telemetry", START + 5)
    assert new.number != old.number
    stopped = fleet.view(old.number, START + 5)
    assert stopped is not None
    assert (stopped.phase, new.phase) == (Phase.STOPPED, Phase.RUNNING)


def test_add_makes_a_job_with_the_behaviour_asked_for() -> None:
    """An added crash loop counts its restarts like a scripted one."""
    fleet = make_fleet(jobs=0)
    fleet.add("mine", START, phase=Phase.RESTARTING, restart_every=2.0)
    assert [view.name for view in fleet.views(START)] == ["mine"]
    assert named(fleet, "mine", START + 9).restarts == 5


def test_overriding_an_unknown_job_is_an_error() -> None:
    """A test with a typing error in a name fails at once."""
    with pytest.raises(KeyError, match="nobody"):
        make_fleet().set_phase("nobody", Phase.FAILED, START)
    with pytest.raises(ValueError, match="gone"):
        make_fleet().add("ghost", START, phase=Phase.GONE)


def test_refresh_holds_the_answer_for_a_while() -> None:
    """Like a control plane that serves its list from a cache."""
    fleet = Fleet(seed=1, started_at=START, refresh=10.0)
    assert fleet.views(START + 60) == fleet.views(START + 69)
    assert named(fleet, "payments_dedup", START + 59).phase is Phase.RUNNING
    assert named(fleet, "payments_dedup", START + 61).phase is Phase.FAILED
