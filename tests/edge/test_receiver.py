"""Reports are answered as DLI answered them, and what was answered with 200 is known."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from exporter.edge.report import read_report
from exporter.errors import ConfigError, ReportError
from tests.edge.receivers import (
    PATH,
    PROJECT,
    SEED,
    SUCCESS,
    TOKEN,
    Edge,
    body,
    entry,
    receiving,
    with_exporter,
)
from tests.edge.test_report import odd_bodies

T = TypeVar("T")
IDENTITY = f'job_id="99270",job_name="99270",platform="edge",project="{PROJECT}",source="edge"'


def error(answer: httpx.Response) -> tuple[int, str]:
    document = answer.json()
    assert set(document) == {"error_code", "error_msg"}
    assert document["error_code"] == f"EDGE.0{answer.status_code}"
    return answer.status_code, document["error_msg"]


def test_example_of_the_vendor_as_it_stands(tmp_path: Path) -> None:
    async def work(edge: Edge) -> str:
        answer = await edge.post(SEED)
        assert (answer.status_code, answer.json()) == (200, SUCCESS)
        assert answer.headers["content-type"] == "application/json"
        return await edge.page()

    page = with_exporter(tmp_path, work)
    assert f'streaming_job_state{{{IDENTITY},state="failed"}} 1.0\n' in page
    assert (
        f'streaming_job_error_info{{error_id="Agent.51000",error_type="JOB_SUBMIT_EXCEPTION",'
        f"{IDENTITY}}} 1.0\n" in page
    )
    assert f"streaming_job_last_error_timestamp_seconds{{{IDENTITY}}} 1.591104868e+09\n" in page
    assert f"streaming_edge_job_stale{{{IDENTITY}}} 0.0\n" in page
    assert 'streaming_source_up{platform="edge",source="edge"} 1.0\n' in page
    assert f'streaming_edge_reports_total{{project="{PROJECT}",result="accepted"}} 1.0\n' in page


def test_error_texts_are_on_the_api_only(tmp_path: Path) -> None:
    async def work(edge: Edge) -> tuple[str, list[dict[str, Any]]]:
        secret = {"exception": "java.lang.X: hunter2", "error_cause": "lost"}
        await edge.post(body(entry(exceptions=secret, metrics={"heap": 5})))
        return await edge.page(), await edge.jobs()

    page, (job,) = with_exporter(tmp_path, work)
    assert "hunter2" not in page
    assert job["error_text"] == "lost\njava.lang.X: hunter2"
    assert job["other_metrics"] == {"heap": 5.0}


def test_refusals_name_what_is_wrong_and_are_counted(tmp_path: Path) -> None:
    async def work(edge: Edge) -> tuple[list[tuple[int, str]], str]:
        answers = [
            await edge.post(b"nonsense"),
            await edge.post(body(entry(), entry(status=None))),
            await edge.post(SEED, token="wrong"),
            await edge.post(SEED, token=""),
            await edge.post(SEED, path=PATH.replace(PROJECT, "other")),
            await edge.post(b"x" * (1024**2 + 1)),
            await edge.post(SEED, content_encoding="gzip"),
        ]
        return [error(answer) for answer in answers], await edge.page()

    found, page = with_exporter(tmp_path, work)
    assert found == [
        (400, "body: not valid JSON at line 1, column 1"),
        (400, "jobs[1].status: required"),
        (401, "X-Auth-Token: not accepted"),
        (401, "X-Auth-Token: required"),
        (404, "project_id: no such project"),
        (413, "body: larger than 1048576 bytes"),
        (400, "Content-Encoding: not supported"),
    ]
    counts = dict(
        re.findall(r'streaming_edge_reports_total{project="\w*",result="(\w+)"} ([1-9]\S*)', page)
    )
    assert counts == {
        "invalid": "3.0",
        "unauthorized": "2.0",
        "unknown_project": "1.0",
        "too_large": "1.0",
    }
    assert "streaming_job_state{" not in page


def test_log_says_each_refusal_once_and_no_token(tmp_path: Path) -> None:
    async def work(edge: Edge) -> list[tuple[str, str, dict[str, Any]]]:
        for _ in range(3):
            await edge.post(SEED, token="hunter2")
            await edge.post(SEED, path="/v1/made-up-by-a-caller/edgesrv/job-report")
        return edge.log.lines

    lines = with_exporter(tmp_path, work)
    said = [(event, facts) for level, event, facts in lines if level == "warning"]
    assert said == [
        (
            "report refused",
            {"source": "edge", "detail": "X-Auth-Token: not accepted", "project": PROJECT},
        ),
        ("report refused", {"source": "edge", "detail": "project_id: no such project"}),
    ]
    assert "hunter2" not in repr(lines)
    assert TOKEN not in repr(lines)


@pytest.mark.parametrize("order", [1, -1], ids=["right last", "right first"])
def test_two_tokens_are_none(tmp_path: Path, order: int) -> None:
    async def work(edge: Edge) -> httpx.Response:
        tokens = [("X-Auth-Token", "another"), ("x-auth-token", TOKEN)][::order]
        return await edge.client.post(PATH, content=SEED, headers=tokens)

    answer = with_exporter(tmp_path, work)
    assert error(answer) == (401, "X-Auth-Token: given more than once")


def test_only_post_is_answered(tmp_path: Path) -> None:
    async def work(edge: Edge) -> httpx.Response:
        return await edge.client.get(PATH)

    answer = with_exporter(tmp_path, work)
    assert answer.headers["allow"] == "POST"
    assert error(answer) == (405, "only POST is answered here")


def test_other_paths_are_none_of_its_business(tmp_path: Path) -> None:
    async def work(edge: Edge) -> list[int]:
        paths = ("/v1/x/edgesrv/messages", "/v1/a/b/edgesrv/job-report", "/v1", "/-/healthy")
        return [(await edge.client.get(path)).status_code for path in paths]

    assert with_exporter(tmp_path, work) == [404, 404, 404, 200]


def test_bad_job_rejects_the_whole_report(tmp_path: Path) -> None:
    async def work(edge: Edge) -> list[dict[str, Any]]:
        assert (await edge.post(body(entry(1), entry(2, create_time=None)))).status_code == 400
        return await edge.jobs()

    assert with_exporter(tmp_path, work) == []


def test_retried_report_is_answered_like_the_first_and_counted_once(tmp_path: Path) -> None:
    async def work(edge: Edge) -> str:
        answers = await asyncio.gather(*(edge.post(SEED) for _ in range(5)))
        assert {(each.status_code, each.content) for each in answers} == {
            (200, json.dumps(SUCCESS).encode())
        }
        return await edge.page()

    page = with_exporter(tmp_path, work)
    assert f'reports_total{{project="{PROJECT}",result="accepted"}} 1.0\n' in page
    assert f'reports_total{{project="{PROJECT}",result="duplicate"}} 4.0\n' in page


def test_message_id_of_another_report_is_refused(tmp_path: Path) -> None:
    async def work(edge: Edge) -> tuple[tuple[int, str], list[dict[str, Any]]]:
        await edge.post(body(entry()))
        answer = await edge.post(body(entry(status="job_finish")))
        return error(answer), await edge.jobs()

    answer, (job,) = with_exporter(tmp_path, work)
    assert answer == (400, "message_id: already used for a different report")
    assert job["state"] == "running"


def test_older_report_does_not_overwrite(tmp_path: Path) -> None:
    async def work(edge: Edge) -> list[dict[str, Any]]:
        await edge.post(body(entry(create_time=2_000_000_000_000), message_id="new"))
        older = entry(status="job_finish", create_time=1_999_999_999_999)
        assert (await edge.post(body(older, message_id="old"))).status_code == 200
        return await edge.jobs()

    (job,) = with_exporter(tmp_path, work)
    assert job["state"] == "running"


def test_too_many_reports_are_held_off(tmp_path: Path) -> None:
    async def work(edge: Edge) -> list[httpx.Response]:
        return [await edge.post(body(message_id=str(number))) for number in range(3)]

    answers = with_exporter(tmp_path, work, "rate_limit: 0.1")
    assert [each.status_code for each in answers] == [200, 429, 429]
    assert error(answers[1]) == (429, "too many reports of this project")
    assert 8 <= int(answers[1].headers["retry-after"]) <= 10


def test_project_has_no_more_jobs_than_allowed(tmp_path: Path) -> None:
    async def work(edge: Edge) -> tuple[list[int], list[str]]:
        answers = await asyncio.gather(
            *(edge.post(body(entry(number), message_id=str(number))) for number in range(5))
        )
        known = await edge.post(body(entry(0), message_id="again"))
        assert "retry-after" in answers[4].headers
        assert error(answers[4])[1] == "jobs: the project would have more than 3 jobs"
        ids = [job["job_id"] for job in await edge.jobs()]
        return [each.status_code for each in (*answers, known)], ids

    statuses, ids = with_exporter(tmp_path, work, "max_jobs: 3")
    assert statuses == [200, 200, 200, 429, 429, 200]
    assert ids == ["0", "1", "2"]


def test_size_of_a_body_without_length_is_bounded(tmp_path: Path) -> None:
    async def work(edge: Edge) -> httpx.Response:
        async def chunks() -> Any:
            for _ in range(40):
                yield b"x" * 100

        return await edge.client.post(PATH, content=chunks(), headers={"X-Auth-Token": TOKEN})

    answer = with_exporter(tmp_path, work, "max_body: 1KiB")
    assert error(answer) == (413, "body: larger than 1024 bytes")


def test_everything_is_back_after_a_restart(tmp_path: Path) -> None:
    async def first(edge: Edge) -> list[dict[str, Any]]:
        await edge.post(SEED)
        running = entry(7, metrics={"total_read_rate": 1.5, "odd": 2}, plan={"state": "RUNNING"})
        await edge.post(body(running, message_id="second"))
        return await edge.jobs()

    async def again(edge: Edge) -> list[dict[str, Any]]:
        assert (await edge.client.get("/-/ready")).status_code == 200
        assert (await edge.post(SEED)).status_code == 200
        page = await edge.page()
        assert f'reports_total{{project="{PROJECT}",result="duplicate"}} 1.0\n' in page
        assert f'streaming_edge_report_timestamp_seconds{{project="{PROJECT}"}} ' in page
        return await edge.jobs()

    before = with_exporter(tmp_path, first)
    assert len(before) == 2
    assert with_exporter(tmp_path, again) == before


@pytest.mark.parametrize(("digit", "status"), [("0", 200), ("9", 413)])
def test_length_of_thousands_of_digits_is_read(tmp_path: Path, digit: str, status: int) -> None:
    async def work(edge: Edge) -> int:
        length = digit * 5000 + str(len(SEED))
        return (await edge.post(SEED, Content_Length=length)).status_code

    assert with_exporter(tmp_path, work) == status


def test_damaged_journal_is_told_and_the_exporter_starts(tmp_path: Path) -> None:
    (tmp_path / "edge.db").write_bytes(b"nonsense" * 1000)

    async def work(edge: Edge) -> tuple[str, str]:
        assert (await edge.post(SEED)).status_code == 200
        (line,) = [facts for level, _, facts in edge.log.lines if level == "error"]
        return line["moved_to"], await edge.page()

    moved_to, page = with_exporter(tmp_path, work)
    assert Path(moved_to).read_bytes() == b"nonsense" * 1000
    assert "streaming_edge_journal_damaged_files 1.0\n" in page


def test_unknown_state_words_are_counted(tmp_path: Path) -> None:
    async def work(edge: Edge) -> str:
        await edge.post(body(entry(status="job_dreaming")))
        return await edge.page()

    page = with_exporter(tmp_path, work)
    assert 'streaming_source_unknown_states_total{platform="edge",source="edge"} 1.0\n' in page
    assert 'native_status="job_dreaming"' in page


def test_tokens_of_a_file_are_replaced_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    projects = f"projects: {{{PROJECT}: {{token_file: {path}}}}}"

    async def work(edge: Edge) -> None:
        async def statuses(*tokens: str) -> list[int]:
            return [
                (await edge.post(body(message_id=f"{token}-1"), token=token)).status_code
                for token in tokens
            ]

        assert await statuses("first", "second", "") == [200, 401, 401]
        path.write_text("first\nsecond\n\n")
        # Reloading looks at the file at once; without it a second may pass.
        edge.text[0] = edge.text[0].replace("max_jobs: 5", "max_jobs: 6")
        await edge.app.reload()
        assert await statuses("first", "second", "") == [200, 200, 401]
        path.write_text("")
        # A file that is emptied is about to be written.
        edge.text[0] = edge.text[0].replace("max_jobs: 6", "max_jobs: 7")
        with pytest.raises(ConfigError, match="the file is empty"):
            await edge.app.reload()
        assert await statuses("first", "second", "") == [200, 200, 401]

    async def scenario() -> None:
        async with receiving(tmp_path, "max_jobs: 5") as edge:
            edge.text[0] = re.sub(r"projects: .*", projects, edge.text[0])
            await edge.app.reload()
            await work(edge)

    asyncio.run(scenario())


def test_any_body_gets_an_answer_that_names_a_field(tmp_path: Path) -> None:
    """Thousands of odd reports change nothing and never fail the receiver itself."""

    async def scenario(contents: list[bytes]) -> None:
        async with receiving(tmp_path, "rate_limit: 1000000") as edge:
            await edge.post(SEED)
            before = await edge.jobs()
            for content in contents:
                status, message = error(await edge.post(content))
                assert status == 400
                assert re.match(r"[^ ]+: \S", message)
            assert await edge.jobs() == before

    collected: list[bytes] = []

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(odd_bodies)
    def collect(content: bytes) -> None:
        try:
            read_report(content)
        except ReportError:
            collected.append(content)

    collect()
    assert len(collected) > 50
    asyncio.run(scenario(collected))
