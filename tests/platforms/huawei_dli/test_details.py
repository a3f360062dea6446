"""Details of a job of DLI, with its plan while it runs."""

from typing import Any

import pytest

from exporter.errors import FetchError, Reason
from exporter.model import Job, State
from exporter.platforms.huawei_dli import (
    PLATFORM,
)
from exporter.source import Details
from tests.platforms.huawei_dli.answers import JOBS, ROW, STATUSES, detail, plan
from tests.vendors.huawei_sources import Server, with_source


def fetch_details(answers: dict[str, Any], row: Job = ROW) -> tuple[Details, Server]:
    server = Server(answers)
    details = with_source(PLATFORM, server, lambda source: source.fetch_details(row))
    return details, server


class TestDetails:
    @pytest.mark.parametrize("status", ["job_running", "job_savepointing", "job_cancel_fail"])
    def test_plan_is_asked_for_while_the_flink_job_runs(self, status: str) -> None:
        details, server = fetch_details(
            {
                f"{JOBS}/1": detail(status=status),
                f"{JOBS}/1/execute-graph": plan(duration=1500),
            }
        )
        assert server.asked == [f"{JOBS}/1", f"{JOBS}/1/execute-graph"]
        assert details.job.duration_seconds == 1.5
        assert details.failures == ()

    @pytest.mark.parametrize(
        "status", sorted({*STATUSES} - {"job_running", "job_savepointing", "job_cancel_fail"})
    )
    def test_no_plan_is_asked_for_otherwise(self, status: str) -> None:
        _, server = fetch_details({f"{JOBS}/1": detail(status=status)})
        assert server.asked == [f"{JOBS}/1"]

    def test_row_tells_the_state_where_details_do_not(self) -> None:
        answers = {f"{JOBS}/1": detail(), f"{JOBS}/1/execute-graph": plan()}
        details, _ = fetch_details(answers, ROW._replace(native_status="job_running"))
        assert (details.job.native_status, details.job.graph_state) == ("", "RUNNING")

    def test_name_of_the_row_stays_where_details_have_none(self) -> None:
        details, _ = fetch_details({f"{JOBS}/1": detail(name=None)})
        assert details.job.job_name == "one"

    def test_job_that_is_gone_comes_as_400(self) -> None:
        with pytest.raises(FetchError) as caught:
            fetch_details({f"{JOBS}/1": (400, {"error_code": "DLI.16001", "error_msg": "x"})})
        assert caught.value.gone

    def test_bare_404_does_not_mean_that_the_job_is_gone(self) -> None:
        with pytest.raises(FetchError) as caught:
            fetch_details({})
        assert not caught.value.gone

    def test_answer_without_details_is_a_failure(self) -> None:
        with pytest.raises(FetchError, match="job_detail: expected an object") as caught:
            fetch_details({f"{JOBS}/1": {"is_success": "true"}})
        assert caught.value.reason is Reason.INVALID_RESPONSE

    @pytest.mark.parametrize(
        "refusal",
        [
            (400, {"error_code": "DLI.11098", "error_msg": "not running"}),
            (400, {"error_code": "DLI.16001", "error_msg": "no such job"}),
        ],
    )
    def test_refused_plan_is_no_failure(self, refusal: tuple[int, object]) -> None:
        """The job may have stopped since its details were read, and some have no plan at all."""
        details, _ = fetch_details(
            {f"{JOBS}/1": detail(status="job_running"), f"{JOBS}/1/execute-graph": refusal}
        )
        assert details.job.state is State.RUNNING
        assert details.job.finer_state is None
        assert details.failures == ()

    @pytest.mark.parametrize(
        ("refusal", "reason"),
        [
            ((403, {"error_code": "DLI.0016"}), Reason.AUTH),
            ((429, {"error_code": "APIG.0308"}), Reason.THROTTLED),
            ((400, {"error_code": "DLI.0999"}), Reason.SERVER),
            ((500, {}), Reason.SERVER),
            ((200, {"is_success": "false"}), Reason.SERVER),
        ],
    )
    def test_plan_that_fails_leaves_the_details(
        self, refusal: tuple[int, object], reason: Reason
    ) -> None:
        details, _ = fetch_details(
            {f"{JOBS}/1": detail(status="job_running"), f"{JOBS}/1/execute-graph": refusal}
        )
        assert details.job.state is State.RUNNING
        assert [failure.reason for failure in details.failures] == [reason]

    @pytest.mark.parametrize(
        ("told", "withdrawn"),
        [
            (plan(), ("read_records", "written_records", "backpressure_level")),
            (plan(state="RESTARTING"), ("read_records", "written_records", "backpressure_level")),
            (
                plan(vertices=[{"id": "a", "status": "RUNNING", "backpressure-level": "ok"}]),
                ("read_records", "written_records"),
            ),
            ({"is_success": "true"}, ()),
            ([], ()),
        ],
    )
    def test_what_a_plan_does_not_tell_any_more_is_withdrawn(
        self, told: object, withdrawn: tuple[str, ...]
    ) -> None:
        """Counts of before a restart are not those of now; no plan at all says nothing of them."""
        details, _ = fetch_details(
            {f"{JOBS}/1": detail(status="job_running"), f"{JOBS}/1/execute-graph": told}
        )
        assert details.withdrawn == withdrawn

    def test_unknown_word_of_the_plan_is_noted(self) -> None:
        details, _ = fetch_details(
            {
                f"{JOBS}/1": detail(status="job_running"),
                f"{JOBS}/1/execute-graph": plan(state="LEVITATING"),
            }
        )
        assert details.flaws.unknown_states == ["LEVITATING"]
