"""Flink jobs of DLI become jobs, with everything the API leaves out left out."""

import json
from dataclasses import replace
from typing import Any

import pytest

from exporter.errors import FetchError, Reason, UnreadableError
from exporter.fields import Flaws
from exporter.model import Job, JobKey, State
from exporter.platforms.huawei_dli import (
    PLATFORM,
    DliSource,
    add_plan,
    parse_details,
    parse_list,
    parse_plan,
)
from exporter.source import CallCost, Details
from exporter.vendors.dli_states import STATES
from tests.vendors.huawei_sources import AUTH, FIXTURES, PROJECT, Server, with_source
from tests.virtual_time import EPOCH

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"
LIST = f"{JOBS}?limit=100&offset=0&order=asc&show_detail=false"
ROW = Job(project=PROJECT, job_id="1", job_name="one", observed_timestamp=EPOCH)
STATUSES = [
    "job_init",
    "job_submitting",
    "job_submit_fail",
    "job_running",
    "job_running_exception",
    "job_downloading",
    "job_idle",
    "job_canceling",
    "job_cancel_success",
    "job_cancel_fail",
    "job_savepointing",
    "job_arrearage_stopped",
    "job_arrearage_recovering",
    "job_finish",
]


def fixture(case: str, name: str) -> Any:
    return json.loads((FIXTURES / "huawei_dli" / case / name).read_text())


def listing(*rows: object, total: int | None = None) -> dict[str, Any]:
    count = len(rows) if total is None else total
    return {"is_success": "true", "job_list": {"total_count": count, "jobs": list(rows)}}


def detail(**fields: Any) -> dict[str, Any]:
    return {"is_success": "true", "job_detail": {"job_id": 1, "name": "one", **fields}}


def plan(**fields: Any) -> dict[str, Any]:
    return {"is_success": "true", "execute_graph": {"state": "RUNNING", **fields}}


def parse_row(**fields: Any) -> tuple[Job, Flaws]:
    flaws = Flaws()
    page = parse_list(listing({"job_id": 1, "name": "one", **fields}), PROJECT, EPOCH, flaws)
    (row,) = page.jobs
    return row, flaws


def parse_detail(**fields: Any) -> Job:
    return parse_details(detail(**fields), ROW, Flaws())


def fetch_details(answers: dict[str, Any], row: Job = ROW) -> tuple[Details, Server]:
    server = Server(answers)
    details = with_source(PLATFORM, server, lambda source: source.fetch_details(row))
    return details, server


def test_statuses_are_exactly_the_documented_ones() -> None:
    assert {*STATES} == {*STATUSES}


@pytest.mark.parametrize("status", STATUSES)
def test_status_is_understood_in_any_case(status: str) -> None:
    row, flaws = parse_row(status=status.upper())
    assert row.state is STATES[status]
    assert row.native_status == status.upper()
    assert flaws.unknown_states == []


def test_unknown_status_keeps_its_word_and_is_noted() -> None:
    row, flaws = parse_row(status="job_hibernating")
    assert (row.state, row.native_status) == (State.UNKNOWN, "job_hibernating")
    assert flaws.unknown_states == ["job_hibernating"]


def test_missing_status_says_nothing_of_the_state() -> None:
    row, flaws = parse_row(status=None)
    assert (row.state, row.native_status) == (State.UNKNOWN, "")
    assert flaws == Flaws()


def test_job_whose_stopping_failed_is_stuck_and_not_failed() -> None:
    assert parse_row(status="job_cancel_fail")[0].state is State.STOPPING


def test_light_row_leaves_unknown_what_it_does_not_know() -> None:
    row, flaws = parse_row(status="job_running", create_time=1578466221525, duration=516274)
    assert row == replace(
        ROW,
        state=State.RUNNING,
        native_status="job_running",
        created_timestamp=1578466221.525,
        duration_seconds=516.274,
    )
    assert flaws == Flaws()


def test_first_example_of_the_details_is_a_draft() -> None:
    """Its start_time is null."""
    flaws = Flaws()
    known = replace(ROW, job_id="104", job_name="104")
    assert parse_details(fixture("seed_details", "detail_104.json"), known, flaws) == replace(
        known,
        job_name="jptest",
        state=State.CREATED,
        native_status="job_init",
        job_type="flink_jar_job",
        run_mode="exclusive_cluster",
        queue="flinktest",
        created_timestamp=1578466221.525,
        updated_timestamp=1578467395.713,
        parallelism=1,
        compute_units=2,
    )
    assert flaws == Flaws()


def test_second_example_of_the_details_was_stopped() -> None:
    """Its project_id is "xxx" and nearly all of its job_config is null."""
    flaws = Flaws()
    known = replace(ROW, job_id="90634", job_name="90634")
    assert parse_details(fixture("seed_details", "detail_90634.json"), known, flaws) == replace(
        known,
        job_name="test_guoquan",
        state=State.STOPPED,
        native_status="job_cancel_success",
        job_type="flink_opensource_sql_job",
        run_mode="exclusive_cluster",
        queue="xie_container_general",
        start_timestamp=1638433497.621,
        created_timestamp=1637632872.828,
        updated_timestamp=1638449337.993,
        parallelism=3,
        compute_units=2,
    )
    assert flaws == Flaws()


def test_example_of_the_plan_adds_the_finer_state() -> None:
    """Its end-time is -1 and its name is empty."""
    running = replace(ROW, state=State.RUNNING, native_status="job_running")
    graph = parse_plan(fixture("seed_plan", "plan_118.json"), Flaws())
    assert add_plan(running, graph) == replace(
        running,
        finer_state=State.RUNNING,
        graph_state="RUNNING",
        run_id="4e966f43f2c90b0e1bf3188ecf55504b",
        duration_seconds=516.274,
        start_timestamp=1578904488.436,
    )


def test_plan_does_not_change_the_start_that_dli_gives() -> None:
    started = replace(ROW, start_timestamp=1.5)
    graph = parse_plan(plan(**{"start-time": 2500}), Flaws())
    assert add_plan(started, graph).start_timestamp == 1.5


def test_plan_dates_only_a_state_that_it_decides() -> None:
    graph = parse_plan(plan(timestamps={"RUNNING": 2500}), Flaws())
    running, stopping = (replace(ROW, state=each) for each in (State.RUNNING, State.STOPPING))
    assert add_plan(running, graph).state_since_timestamp == 2.5
    assert add_plan(stopping, graph).state_since_timestamp is None


def test_plan_does_not_decide_the_state_here() -> None:
    running = replace(ROW, state=State.RUNNING)
    job = add_plan(running, parse_plan(plan(state="FAILING"), Flaws()))
    assert (job.state, job.finer_state) == (State.RUNNING, State.RESTARTING)


@pytest.mark.parametrize("start_time", [None, 0, -1, ""])
def test_job_that_never_started_has_no_start(start_time: object) -> None:
    assert parse_detail(start_time=start_time).start_timestamp is None


def test_duration_of_zero_is_none() -> None:
    """Listings give 0 to jobs that never ran."""
    assert parse_row(duration=0)[0].duration_seconds is None


@pytest.mark.parametrize("given", [{}, {"restart_times": None}])
def test_restarts_that_are_not_told_are_unknown(given: dict[str, Any]) -> None:
    """restart_times is documented and in none of the examples."""
    assert parse_detail(**given).restart_times is None


def test_restarts_are_told_even_when_there_were_none() -> None:
    assert parse_detail(restart_times=0).restart_times == 0


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"real_cu_number": 9, "cu_number": 2}, 9),
        ({"real_cu_number": 0, "cu_number": 2}, 2),
        ({"real_cu_number": None, "cu_number": 2}, 2),
        ({"real_cu_number": None, "cu_number": None}, None),
        ({"resource_config_version": "v1", "cu_number": 3}, 3),
        ({"resource_config_version": "v2", "cu_number": 2}, None),
    ],
)
def test_compute_units_are_the_real_ones_if_any(
    config: dict[str, Any], expected: float | None
) -> None:
    """real_cu_number 0 means cu_number; resources of version 2 have no compute units."""
    assert parse_detail(job_config=config).compute_units == expected


def test_parallelism_of_version_2_is_inside_its_resources() -> None:
    config = {"resource_config_version": "v2", "resource_config": {"parallel_number": 6}}
    assert parse_detail(job_config=config).parallelism == 6


def test_engine_version_is_that_of_flink() -> None:
    assert parse_detail(job_config={"flink_version": "1.15"}).engine_version == "1.15"


def test_nothing_that_can_hold_a_secret_is_kept() -> None:
    """Statements, arguments, configurations and descriptions hold passwords."""
    secrets = ("desc", "sql_body", "entrypoint_args", "execution_graph", "status_desc")
    fields = {name: f"password={name}" for name in secrets}
    config = {"runtime_config": "password=1", "smn_topic": "password=2", "image": "password=3"}
    row, _ = parse_row(status="job_running", **fields, job_config=config)
    graph = parse_plan(plan(vertices=[{"name": "password", "tasks": {"RUNNING": 1}}]), Flaws())
    whole = add_plan(parse_detail(status="job_running", **fields, job_config=config), graph)
    for job in (row, whole):
        assert "password" not in repr(job)
        assert job.error_text == ""


@pytest.mark.parametrize("status", ["job_submit_fail", "job_running_exception"])
def test_reason_of_a_failure_is_kept_for_people(status: str) -> None:
    failed = parse_detail(status=status, status_desc="Kafka cannot be reached. " + "x" * 9000)
    assert failed.error_text.startswith("Kafka cannot be reached.")
    assert len(failed.error_text) == 4096
    assert "Kafka" not in repr(failed)


def test_row_without_an_id_is_noted_and_left_out() -> None:
    flaws = Flaws()
    page = parse_list(listing({"name": "x"}, {"job_id": 2}), PROJECT, EPOCH, flaws)
    assert [(row.job_id, row.job_name) for row in page.jobs] == [("2", "2")]
    assert (page.size, page.total) == (2, 2)
    assert [flaw.place for flaw in flaws.unreadable] == ["job_list.jobs[0].job_id"]


def test_jobs_of_one_name_are_told_apart_by_their_ids() -> None:
    rows = [{"job_id": 1, "name": "same"}, {"job_id": "2", "name": "same"}]
    page = parse_list(listing(*rows), PROJECT, EPOCH, Flaws())
    assert [row.key for row in page.jobs] == [
        JobKey(project=PROJECT, job_id="1"),
        JobKey(project=PROJECT, job_id="2"),
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"job_list": None}, {"job_list": []}])
def test_answer_without_a_list_is_not_an_empty_project(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_list(document, PROJECT, EPOCH, Flaws())


@pytest.mark.parametrize("document", [None, [], {}, {"job_detail": None}, {"job_detail": "x"}])
def test_answer_without_details_is_unreadable(document: object) -> None:
    with pytest.raises(UnreadableError):
        parse_details(document, ROW, Flaws())


class TestInventory:
    @staticmethod
    def take(answers: dict[str, Any], **settings: Any) -> Any:
        server = Server(answers)
        inventory = with_source(
            PLATFORM, server, lambda source: source.fetch_inventory(), **settings
        )
        return inventory, server

    def test_listing_is_asked_for_in_full_pages_from_the_oldest(self) -> None:
        """Without a limit there are ten rows; with the newest first they would move."""
        rows = [{"job_id": number} for number in range(150)]
        inventory, server = self.take(
            {
                LIST: listing(*rows[:100], total=150),
                LIST.replace("offset=0", "offset=100"): listing(*rows[100:], total=150),
            }
        )
        assert [job.job_id for job in inventory.jobs] == [str(number) for number in range(150)]
        assert inventory.jobs[0].observed_timestamp == EPOCH
        assert len(server.requests) == 2

    @pytest.mark.parametrize("is_success", ["true", True, "TRUE", None, ""])
    def test_success_is_told_in_many_ways(self, is_success: object) -> None:
        inventory, _ = self.take({LIST: {**listing({"job_id": 1}), "is_success": is_success}})
        assert len(inventory.jobs) == 1

    @pytest.mark.parametrize("is_success", ["false", False, "False"])
    def test_success_that_is_none_is_a_failure(self, is_success: object) -> None:
        with pytest.raises(FetchError) as caught:
            self.take({LIST: {"is_success": is_success, "message": "No such queue."}})
        assert (caught.value.reason, caught.value.status) == (Reason.SERVER, 200)

    @pytest.mark.parametrize(
        "body", [[{"error_code": "DLI.0999"}], {"error_code": "DLI.0999", "error_msg": "x"}]
    )
    def test_server_fault_that_comes_as_400_is_tried_again(self, body: object) -> None:
        answers = iter([(400, body), listing({"job_id": 1})])
        inventory, server = self.take({LIST: lambda request: next(answers)})
        assert len(inventory.jobs) == 1
        assert len(server.requests) == 2

    @pytest.mark.parametrize("code", ["APIG.0308", "APIGW.0308"])
    def test_throttling_is_told_by_either_gateway(self, code: str) -> None:
        with pytest.raises(FetchError) as caught:
            self.take({LIST: (429, {"error_code": code})})
        assert caught.value.reason is Reason.THROTTLED

    def test_listing_can_be_narrowed_as_documented(self) -> None:
        url = (
            f"{JOBS}?limit=100&offset=0&order=asc&queue_name=a%20b&show_detail=false"
            "&sys_enterprise_project_name=p%2Fq"
        )
        _, server = self.take({url: listing()}, queue="a b", enterprise_project="p/q")
        assert server.asked == [url]

    def test_given_ids_are_asked_for_instead(self) -> None:
        inventory, server = self.take(
            {
                f"{JOBS}/104": fixture("seed_details", "detail_104.json"),
                f"{JOBS}/90634": fixture("seed_details", "detail_90634.json"),
                f"{JOBS}/7": (400, {"error_code": "DLI.16001", "error_msg": "No such job."}),
            },
            jobs={"ids": [104, 90634, 7]},
        )
        assert [job.job_name for job in inventory.jobs] == ["jptest", "test_guoquan"]
        assert inventory.jobs[1].parallelism == 3
        assert inventory.incomplete == ()
        assert sorted(server.asked) == sorted(f"{JOBS}/{each}" for each in (104, 90634, 7))

    def test_given_id_that_cannot_be_read_leaves_the_others(self) -> None:
        inventory, _ = self.take(
            {f"{JOBS}/1": detail(status="job_running"), f"{JOBS}/2": {"is_success": "true"}},
            jobs={"ids": ["1", "2"]},
        )
        assert [job.job_id for job in inventory.jobs] == ["1"]
        assert [failure.reason for _, failure in inventory.incomplete] == [Reason.INVALID_RESPONSE]


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
        details, _ = fetch_details(answers, replace(ROW, native_status="job_running"))
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
            (404, {"error_msg": "no such API", "error_code": "APIG.0101"}),
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

    def test_unknown_word_of_the_plan_is_noted(self) -> None:
        details, _ = fetch_details(
            {
                f"{JOBS}/1": detail(status="job_running"),
                f"{JOBS}/1/execute-graph": plan(state="LEVITATING"),
            }
        )
        assert details.flaws.unknown_states == ["LEVITATING"]


@pytest.mark.parametrize(
    ("jobs", "ids", "expected"),
    [
        (0, [], CallCost(per_inventory=1, per_details=2)),
        (100, [], CallCost(per_inventory=1, per_details=2)),
        (101, [], CallCost(per_inventory=2, per_details=2)),
        (2, ["1", "2"], CallCost(per_inventory=2, per_details=2)),
    ],
)
def test_cost_is_what_polling_does(jobs: int, ids: list[str], expected: CallCost) -> None:
    settings = PLATFORM.settings.model_validate(
        {
            "name": "s",
            "platform": "huawei_dli",
            "region": "cn-north-4",
            "project_id": "p",
            "auth": AUTH,
            "jobs": {"ids": ids},
        }
    )
    assert PLATFORM.cost(settings, jobs) == expected


def test_platform_is_found_by_its_name() -> None:
    assert (PLATFORM.name, PLATFORM.supersedes) == ("huawei_dli", False)
    assert PLATFORM.open is DliSource
