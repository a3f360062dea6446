"""`check-config --online`, `once` and `plan` tell of the clusters that a source finds."""

import io
import json
from pathlib import Path
from random import Random

import httpx
import pytest

from exporter import cli
from exporter.runtime import Runtime
from tests.platforms.flink_discovery.fleet import ZERO


async def _at_once(_: float) -> None:
    return


def _answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/config" and request.url.host == "history":
        return httpx.Response(200, json={"features": {"web-history": True}})
    if request.url.host == "down":
        raise httpx.ConnectError("")
    if request.url.path == "/jobs/overview":
        row = {"jid": ZERO, "name": f"job of {request.url.host}", "state": "RUNNING"}
        return httpx.Response(200, json={"jobs": [row]})
    if request.url.path == f"/jobs/{ZERO}":
        return httpx.Response(200, json={"jid": ZERO, "name": "x", "state": "RUNNING"})
    return httpx.Response(200, json={})


def _invoke(tmp_path: Path, targets: list[str], *command: str, more: str = "") -> tuple[int, str]:
    (tmp_path / "targets.json").write_text(json.dumps([{"targets": targets}]))
    path = tmp_path / "exporter.yml"
    path.write_text(
        "sources: [{name: fleet, platform: apache_flink, input_delay: false, "
        f"discovery: {{files: {{paths: [targets.json]}}}}{more}}}]"
    )
    runtime = Runtime(
        environ={},
        home=tmp_path,
        sleep=_at_once,
        random=Random(1),
        transport=lambda: httpx.MockTransport(_answer),
    )
    out, err = io.StringIO(), io.StringIO()
    code = cli.main([*command, f"--config.file={path}"], runtime=runtime, out=out, err=err)
    return code, out.getvalue() + err.getvalue()


def test_check_lists_the_clusters_found_reached_or_not_and_why(tmp_path: Path) -> None:
    targets = ["up:8081", "down:8081", "169.254.169.254:80"]
    code, text = _invoke(tmp_path, targets, "check-config", "--online")
    assert code == 0
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "fleet apache_flink ok 1 ok" in lines
    assert "SOURCE CLUSTER CONDITION WHY" in lines
    assert "fleet up:8081 reached" in lines
    assert any(line.startswith("fleet down:8081 unreached /jobs/overview failed") for line in lines)
    assert "fleet 169.254.169.254:80 skipped a link-local address" in lines


@pytest.mark.parametrize(
    ("history", "code", "said"),
    [
        ("history", 0, "ok"),
        ("up", 1, "history_endpoint leads to another service, not to a HistoryServer"),
        ("down", 1, "HistoryServer"),
    ],
)
def test_check_asks_the_history_server_too(
    tmp_path: Path, history: str, code: int, said: str
) -> None:
    more = f", history_endpoint: http://{history}:8082"
    found, text = _invoke(tmp_path, ["up:8081"], "check-config", "--online", more=more)
    assert found == code
    assert said in text


def test_check_of_clusters_none_of_which_answers_fails(tmp_path: Path) -> None:
    code, text = _invoke(tmp_path, ["down:8081"], "check-config", "--online")
    assert code == 1
    assert "fleet   down:8081  unreached" in text


def test_once_prints_the_jobs_of_all_clusters(tmp_path: Path) -> None:
    code, text = _invoke(tmp_path, ["up:8081", "other:8081", "down:8081"], "once")
    assert code == 0
    assert 'project="up:8081"' in text
    assert 'project="other:8081"' in text
    end = 'platform="apache_flink",source="fleet"}'
    assert f'streaming_source_clusters{{condition="reached",{end} 2.0' in text
    assert f'streaming_source_clusters{{condition="unreached",{end} 1.0' in text


@pytest.mark.parametrize(
    ("arguments", "calls"),
    # A call for each cluster at each poll, half of one for the files, and three for each job, whose
    # exceptions take another one an hour.
    [(["--jobs=10"], 36), (["--online"], 8)],
)
def test_plan_counts_the_calls_of_all_clusters(
    tmp_path: Path, arguments: list[str], calls: int
) -> None:
    targets = ["up:8081", "other:8081"] if "--online" in arguments else []
    code, text = _invoke(tmp_path, targets, "plan", *arguments)
    assert code == 0
    (line,) = [line.split() for line in text.splitlines() if line.startswith("fleet")]
    assert int(line[3]) == calls
