"""What `plan --online` foretells when not every platform can be asked, or none."""

import io
from pathlib import Path
from random import Random

import httpx
import pytest

from exporter import cli
from exporter.runtime import Runtime


async def _at_once(_: float) -> None:
    return


def _answer(request: httpx.Request) -> httpx.Response:
    host = request.url.host
    if host == "refuses":
        return httpx.Response(403)
    if host == "strange":
        return httpx.Response(200, content=b"<html>")
    if host == "down":
        raise httpx.ConnectError("x")
    if host == "halves" and "two" in request.url.path:
        return httpx.Response(403)
    if host == "halves":
        row = {"id": "1", "jobName": "a", "actualState": "RUNNING", "expectState": "RUNNING"}
        return httpx.Response(200, json={"Instances": {"Instance": [row]}, "TotalCount": 1})
    if request.url.path == "/jobs/overview":
        rows = [{"jid": f"{n:032x}", "name": f"j{n}", "state": "RUNNING"} for n in range(3)]
        return httpx.Response(200, json={"jobs": rows})
    return httpx.Response(200, json={})


def _flink(host: str) -> str:
    return f"{{name: {host}, platform: apache_flink, endpoint: 'http://{host}'}}"


_HALVES = (
    "{name: halves, platform: alibaba_blink, endpoint: 'http://halves', projects: [one, two], "
    "batch: false, auth: {access_key_id: a, access_key_secret: b}}"
)


def invoke(command: str, tmp_path: Path, *sources: str, more: str = "") -> tuple[int, str, str]:
    path = tmp_path / "exporter.yml"
    path.write_text(f"sources: [{', '.join(sources)}]")
    runtime = Runtime(
        environ={},
        home=tmp_path,
        sleep=_at_once,
        random=Random(1),
        transport=lambda: httpx.MockTransport(_answer),
    )
    out, err = io.StringIO(), io.StringIO()
    arguments = [command, "--online", f"--config.file={path}", *more.split()]
    code = cli.main(arguments, runtime=runtime, out=out, err=err)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("host", ["down", "refuses", "strange"])
def test_no_forecast_is_made_where_nothing_could_be_counted(host: str, tmp_path: Path) -> None:
    code, out, err = invoke("plan", tmp_path, _flink(host))
    assert (code, out) == (1, "")
    assert err.startswith(f"error: no forecast, the jobs cannot be counted: {host}: ")


def test_forecast_of_the_others_stands_and_the_total_says_what_it_lacks(tmp_path: Path) -> None:
    code, out, _ = invoke("plan", tmp_path, _flink("up"), _flink("down"), _flink("refuses"))
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert code == 1
    assert rows["up"][2:5] == ["3", "10", "13896"]
    assert rows["down"][2:6] == ["-"] * 4
    assert "connection" in " ".join(rows["down"])
    assert rows["total"] == ["total", "10", "13896", "without", "down,", "refuses"]


def test_sum_of_all_shards_says_what_it_lacks_as_well(tmp_path: Path) -> None:
    sources = _flink("up"), _flink("down")
    _, out, _ = invoke("plan", tmp_path, *sources, more="--shard=0 --total-shards=2")
    assert out.splitlines()[-1].startswith("2 shards")
    assert out.splitlines()[-1].endswith("without down")


def test_source_that_was_counted_in_part_has_no_forecast(tmp_path: Path) -> None:
    code, out, _ = invoke("plan", tmp_path, _flink("up"), _HALVES)
    assert code == 1
    assert "without halves" in out


def test_forecast_of_all_is_a_success(tmp_path: Path) -> None:
    code, out, err = invoke("plan", tmp_path, _flink("up"))
    assert (code, err) == (0, "")
    assert "without" not in out


def test_source_without_jobs_is_foretold_its_listing(tmp_path: Path) -> None:
    code, out, _ = invoke("plan", tmp_path, _flink("up").replace("}", ", jobs: {exclude: [x]}}"))
    assert code == 0
    assert "no forecast" not in out


def test_table_of_trials_has_no_count_of_what_was_not_listed(tmp_path: Path) -> None:
    code, out, _ = invoke("check-config", tmp_path, _flink("up"), _flink("down"), _HALVES)
    rows = {line.split()[0]: line.split() for line in out.splitlines() if "warning" not in line}
    assert code == 1
    assert (rows["up"][3], rows["down"][3], rows["halves"][3]) == ("3", "-", "1")
