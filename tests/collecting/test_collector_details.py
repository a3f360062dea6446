"""Details of jobs are asked for one by one, and one that fails hurts no other."""

import pytest

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job
from exporter.source import Details, Inventory
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import EPOCH, run


def test_bad_job_does_not_hurt_the_others() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        if row.job_name == "bad":
            return FetchError(Reason.SERVER, "ShowJob", status=500)
        if row.job_name == "worse":
            return RuntimeError("boom")
        return job(row.job_name, queue="q")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("bad"), job("good"), job("worse")], details))
        assert await bench.collector.poll() is None
        assert {each.job_name: each.queue for each in bench.jobs} == {
            "bad": "",
            "good": "q",
            "worse": "",
        }
        assert bench.store.snapshots["s"].up is True
        assert bench.value("streaming_source_detail_failures_total", reason="server") == 1
        assert bench.value("streaming_source_detail_failures_total", reason="invalid_response") == 1

    run(scenario())


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.THROTTLED, Reason.CONNECTION, Reason.TLS])
def test_refusal_that_concerns_all_ends_the_round_of_details(reason: Reason) -> None:
    async def scenario() -> None:
        bench = Bench(
            ScriptedSource(
                lambda now: [job(f"j{n}") for n in range(50)],
                lambda row, now: FetchError(reason, "ShowJob"),
            ),
            concurrency=4,
        )
        await bench.collector.poll()
        assert len(bench.source.asked) <= 4
        assert bench.store.snapshots["s"].up is True

    run(scenario())


def test_deleted_job_is_asked_about_by_id_and_let_go() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        if now > 10:
            return FetchError(Reason.NOT_FOUND, "ShowJob", gone=True)
        return row

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")] if now < 10 else [], details))
        await bench.run_for(45)
        assert bench.jobs == ()
        assert len(bench.source.asked) == 2

    run(scenario())


def test_job_missing_once_stays_when_asking_for_it_fails() -> None:
    def details(row: Job, now: float) -> Job | Exception:
        return row if now < 10 else FetchError(Reason.TIMEOUT, "ShowJob")

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [] if 20 < now < 40 else [job("a")], details))
        await bench.run_for(45)
        assert [each.job_name for each in bench.jobs] == ["a"]

    run(scenario())


def test_flaws_are_counted_each_time_and_logged_once() -> None:
    def listing(now: float) -> Inventory:
        flaws = Flaws()
        flaws.note("jobs[3].start_time", "a number")
        flaws.note("jobs[7].start_time", "a number")
        flaws.note_state("job_dancing")
        return Inventory(jobs=(job("a").at(EPOCH + now),), flaws=flaws)

    async def scenario() -> None:
        bench = Bench(ScriptedSource(listing))
        await bench.run_for(65)
        assert bench.value("streaming_source_unreadable_fields_total") == 6
        assert bench.value("streaming_source_unknown_states_total") == 3
        assert [facts for level, _, facts in bench.log.lines if level == "warning"] == [
            {"field": "jobs[].start_time: expected a number"},
            {"word": "job_dancing"},
        ]

    run(scenario())


def test_part_of_the_details_that_failed_is_counted_and_the_rest_kept() -> None:
    def details(row: Job, now: float) -> Details:
        return Details(
            job=job("a", queue="q").at(EPOCH + now),
            flaws=Flaws(),
            failures=(FetchError(Reason.SERVER, "ShowGraph", status=500),),
        )

    async def scenario() -> None:
        bench = Bench(ScriptedSource(lambda now: [job("a")], details))
        await bench.collector.poll()
        assert bench.jobs[0].queue == "q"
        assert bench.value("streaming_source_detail_failures_total", reason="server") == 1

    run(scenario())
