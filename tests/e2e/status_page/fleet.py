"""Jobs for the status page to show: of every state, of odd names, and very many."""

from random import Random
from typing import Any

from exporter.model import GoneJob, Job, JobKey, Node, Snapshot, State
from tests.jobs import job, snapshot
from tests.virtual_time import EPOCH

SCRIPT = "<script>alert(1)</script>"


def fleet() -> tuple[Snapshot, ...]:
    dli = snapshot(
        job(
            "orders_enrichment",
            input_delay_seconds=0.4,
            restart_times=0,
            duration_seconds=25_000.0,
            state_since_timestamp=EPOCH - 25_000,
        ),
        job(
            "payments_dedup",
            State.FAILED,
            error_id="RUNTIME.1001",
            error_type="java.lang.OutOfMemoryError",
            error_text="java.lang.OutOfMemoryError: Java heap space\n"
            + "\tat a.b.C(D.java:1)\n" * 80,
            last_error_timestamp=EPOCH - 30,
            state_since_timestamp=EPOCH - 30,
            restart_times=3,
            tasks=(("FAILED", 2), ("RUNNING", 6)),
        ),
        job("每日对账 a/b?c=d&e", State.FINISHED, duration_seconds=600.0),
        job(SCRIPT, State.RESTARTING, project=SCRIPT, error_text=SCRIPT, restart_times=7),
        job("x" * 300, State.STOPPING, state_since_timestamp=EPOCH - 7200),
        *(job(f"created_{state}", state) for state in State),
        next_poll_timestamp=EPOCH + 12,
        absent=("settlement_.*",),
        labels=(("team", "payments"),),
    )
    vvp = snapshot(
        job("orders_enrichment", input_delay_seconds=900.0, restart_times=1),
        job("node_trouble", nodes=(Node(name="enrich", node_type="DLI", state=State.FAILED),)),
        source="vvp",
        platform="alibaba_flink",
        up=False,
        failure="timeout: no answer within 10 s",
        last_success_timestamp=EPOCH - 90,
    )
    return (dli, vvp, snapshot(source="waiting", up=None, last_success_timestamp=None))


def left() -> Snapshot:
    """Return a source with jobs that are shown no longer: out of reach, and gone."""
    return snapshot(
        job("y" * 300, State.FAILED, observed_timestamp=EPOCH - 900),
        job("out_of_reach", State.STOPPING, observed_timestamp=EPOCH - 900),
        job("well_when_last_seen", observed_timestamp=EPOCH - 900),
        source="left",
        up=False,
        failure="timeout: no answer within 10 s",
        last_success_timestamp=EPOCH - 900,
        gone=(
            GoneJob(
                key=JobKey(project="p", job_id="vanished"),
                job_name="vanished",
                last_state=State.RESTARTING,
                last_seen_timestamp=EPOCH - 1000,
                gone_timestamp=EPOCH - 900,
            ),
        ),
    )


def many(count: int) -> Snapshot:
    random = Random(1)
    states = [State.RUNNING] * 30 + list(State)
    return snapshot(
        *(
            job(
                f"job_{number:05}",
                random.choice(states),
                job_id=f"{number:032x}",
                restart_times=random.randrange(4),
                duration_seconds=random.uniform(0, 1e6),
                state_since_timestamp=EPOCH - random.uniform(0, 1e6),
            )
            for number in range(count)
        )
    )


def changed(found: Snapshot, name: str, **facts: Any) -> Snapshot:
    """Return the snapshot with some facts of one job changed."""
    jobs = (
        job(**{**_values(each), **facts}) if each.job_name == name else each for each in found.jobs
    )
    return snapshot(*jobs, source=found.source)


def _values(found: Job) -> dict[str, Any]:
    values = found._asdict()
    return {"name": values.pop("job_name"), **values}
