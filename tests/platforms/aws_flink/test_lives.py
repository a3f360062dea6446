"""Applications are followed through their lives, and CloudWatch through its moods."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from exporter.simulator.fault_injection import Canned
from exporter.simulator.fleet.fleet import Phase
from tests.platforms.aws_flink.account import ROLE, Account, Watch, watching
from tests.virtual_time import run

ALL = "[restarts, input_delay, checkpoints]"
Story = Callable[[Account, Watch], Awaitable[None]]


def _told(story: Story, *, jobs: int = 2, **settings: object) -> None:
    async def scenario() -> None:
        account = Account(jobs=jobs)
        async with watching(account, **settings) as watch:
            await story(account, watch)

    run(scenario())


def test_start_that_fails_is_told_apart_from_a_stop() -> None:
    """Both are READY to the service."""

    async def story(account: Account, watch: Watch) -> None:
        account.set_phase("job-0000", Phase.STOPPED)
        account.set_phase("job-0001", Phase.FAILED)
        await asyncio.sleep(40)
        assert watch.states() == {"job-0000": "stopped", "job-0001": "failed"}
        assert watch.job("job-0000").native_status == "READY"
        assert watch.job("job-0000").expected_running is False
        failed = watch.job("job-0001")
        assert failed.native_status == "READY"
        assert failed.end_timestamp is not None
        assert failed.error_text.startswith(failed.error_type)
        assert failed.error_id == "UpdateApplication"
        asked = account.calls("control", "DescribeApplicationOperation")
        await asyncio.sleep(600)
        assert account.calls("control", "DescribeApplicationOperation") == asked == 1

    _told(story)


def test_job_that_restarts_without_end_is_running_to_the_service_and_not_to_us() -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.fleet.add("looping", account.clock(), restart_every=20.0)
        await asyncio.sleep(60)
        account.set_phase("looping", Phase.RESTARTING)
        await asyncio.sleep(500)
        job = watch.job("looping")
        assert (job.native_status, job.state.value) == ("RUNNING", "restarting")
        assert job.graph_state == "RESTARTING"
        assert job.restart_times is not None
        assert job.restart_times > 5

    _told(story)


def test_figures_of_a_run_that_is_over_are_not_shown_of_the_next() -> None:
    async def story(account: Account, watch: Watch) -> None:
        await asyncio.sleep(120)
        assert watch.job("job-0000").restart_times == 0
        account.set_phase("job-0000", Phase.STOPPED)
        await asyncio.sleep(40)
        account.set_phase("job-0000", Phase.RUNNING)
        await asyncio.sleep(40)
        job = watch.job("job-0000")
        assert (job.state.value, job.restart_times) == ("running", None)
        await asyncio.sleep(400)
        assert watch.job("job-0000").restart_times == 0

    _told(story)


def test_silence_of_cloudwatch_delays_no_state() -> None:
    async def story(account: Account, watch: Watch) -> None:
        await asyncio.sleep(60)
        account.hanging.add("cloudwatch")
        await asyncio.sleep(300)
        account.set_phase("job-0000", Phase.STOPPING)
        await asyncio.sleep(35)
        assert watch.states()["job-0000"] == "stopping"
        assert watch.snapshot.up
        failed = watch.counted("streaming_source_detail_failures_total")
        await asyncio.sleep(900)
        assert watch.counted("streaming_source_detail_failures_total") > failed
        # What nobody confirms is not told for ever.
        assert watch.job("job-0001").restart_times is None

    _told(story)


def test_right_to_figures_that_is_missing_costs_the_figures_alone() -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.access.denied.add("cloudwatch:GetMetricData")
        await asyncio.sleep(60)
        assert watch.snapshot.up
        assert watch.states() == {"job-0000": "running", "job-0001": "running"}
        assert any("may not cloudwatch:GetMetricData" in str(line) for line in watch.log.lines)

    _told(story)


def test_delay_is_that_of_streams_or_of_event_time() -> None:
    async def story(account: Account, watch: Watch) -> None:
        await asyncio.sleep(120)
        for name in ("job-0000", "job-0001"):
            job = watch.job(name)
            assert job.input_delay_seconds is not None
            assert 0 < job.input_delay_seconds < 70
            assert job.last_checkpoint_duration_seconds == 1.5
            assert job.checkpoints_failed == 0
        assert account.calls("cloudwatch", "ListMetrics") == 1
        await asyncio.sleep(3600)
        assert account.calls("cloudwatch", "ListMetrics") == 2

    _told(story, metrics=ALL)


def test_streams_that_cannot_be_listed_cost_the_delay_nothing() -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.access.denied.add("cloudwatch:ListMetrics")
        await asyncio.sleep(120)
        assert watch.job("job-0000").input_delay_seconds is not None
        assert watch.counted("streaming_source_detail_failures_total") > 0

    _told(story, metrics=ALL)


def test_application_that_is_deleted_is_gone_when_the_service_says_so() -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.fleet.remove("job-0000", account.clock())
        await asyncio.sleep(40)
        assert list(watch.states()) == ["job-0001"]
        assert [each.job_name for each in watch.snapshot.gone] == ["job-0000"]

    _told(story)


def test_operations_that_could_not_be_had_are_asked_for_again() -> None:
    async def story(account: Account, watch: Watch) -> None:
        denied = "kinesisanalytics:ListApplicationOperations"
        account.access.denied.add(denied)
        account.set_phase("job-0000", Phase.FAILED)
        await asyncio.sleep(60)
        assert watch.states()["job-0000"] == "stopped"
        account.access.denied.clear()
        await asyncio.sleep(700)
        assert watch.states()["job-0000"] == "failed"

    _told(story, ended_retention="1d")


def test_description_that_may_not_be_read_costs_what_it_says() -> None:
    async def story(account: Account, watch: Watch) -> None:
        assert watch.job("job-0000").parallelism is None
        assert watch.job("job-0000").start_timestamp is not None

    async def scenario() -> None:
        account = Account(jobs=1)
        account.access.denied.add("kinesisanalytics:DescribeApplication")
        async with watching(account) as watch:
            await story(account, watch)

    run(scenario())


def test_operation_that_goes_on_is_looked_at_again() -> None:
    """The status can say RUNNING before the operation says that it has ended."""

    async def story(account: Account, watch: Watch) -> None:
        going_on = (
            b'{"ApplicationOperationInfoList": [{"Operation": "StartApplication", "OperationId": '
            b'"a", "StartTime": 1700000000.5, "OperationStatus": "IN_PROGRESS"}]}'
        )
        account.faults["control"].overrides["ListApplicationOperations"] = Canned(body=going_on)
        account.fleet.add("new", account.clock())
        await asyncio.sleep(40)
        job = watch.job("new")
        assert (job.run_id, job.start_timestamp) == ("a", None)
        account.faults["control"].overrides.clear()
        await asyncio.sleep(130)
        assert watch.job("new").start_timestamp is not None

    _told(story)


def test_listing_that_begins_again_and_again_ends() -> None:
    async def story(account: Account, watch: Watch) -> None:
        body = b'{"ApplicationSummaries": [], "NextToken": "again"}'
        account.faults["control"].overrides["ListApplications"] = Canned(body=body)
        await asyncio.sleep(35)
        assert not watch.snapshot.up
        assert "begins again" in watch.snapshot.failure
        assert len(watch.states()) == 2

    _told(story)


@pytest.mark.parametrize("body", [b"{}", b'{"ApplicationSummaries": null}', b"[]", b"null"])
def test_answer_without_a_list_is_no_empty_account(body: bytes) -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.faults["control"].overrides["ListApplications"] = Canned(body=body)
        await asyncio.sleep(35)
        assert not watch.snapshot.up
        assert len(watch.states()) == 2

    _told(story)


def test_role_is_assumed_once_and_counted_and_renewed() -> None:
    async def story(account: Account, watch: Watch) -> None:
        assert account.calls("sts") == 1
        await asyncio.sleep(3600)
        assert account.calls("sts") == 2
        assert watch.snapshot.up
        assert watch.counted("streaming_exporter_api_requests_total") == sum(
            account.calls(host) for host in ("control", "cloudwatch", "sts")
        )

    auth = "{access_key_id: AKIATESTACCESSKEYID0, secret_access_key: test/secret+access-key"
    _told(story, auth=f"{auth}, role_arn: '{ROLE}'}}")


def test_throttling_is_told_and_over_when_it_is_over() -> None:
    async def story(account: Account, watch: Watch) -> None:
        account.faults["control"].throttling = True
        await asyncio.sleep(60)
        assert not watch.snapshot.up
        assert "throttled" in watch.snapshot.failure
        account.faults["control"].throttling = False
        await asyncio.sleep(60)
        assert watch.snapshot.up

    _told(story)


def test_clock_that_is_wrong_is_told() -> None:
    async def story(account: Account, watch: Watch) -> None:
        skewed = (
            b'{"__type": "InvalidSignatureException", '
            b'"message": "Signature expired: 20260101T000000Z is now earlier than 2026"}'
        )
        canned = Canned(status=400, body=skewed)
        account.faults["control"].overrides["ListApplications"] = canned
        await asyncio.sleep(35)
        assert "the clock of this machine is wrong" in watch.snapshot.failure

    _told(story)
