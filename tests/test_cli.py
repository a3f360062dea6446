"""The program as its users run it."""

import io
import json
import re
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from exporter import __version__, cli
from exporter.listening.addresses import listen
from exporter.runtime import Runtime
from exporter.simulator.clouds import build_clouds, configuration
from tests.e2e.simulated_clouds import HOSTS, Network

SOURCES = ("dli-prod", "factory", "blink", "vvp", "flink", "operator", "connect", "msf", "oceanus")
"""Those of the simulated clouds, in their order."""


def invoke(*arguments: str, runtime: Runtime | None = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = cli.main(arguments, runtime=runtime, out=out, err=err)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    path = tmp_path / "exporter.yml"
    path.write_text(configuration({host: f"https://{host}" for host in HOSTS}))
    return path


@pytest.fixture(name="network")
def _network() -> Network:
    return Network(build_clouds(clock=time.time))


@pytest.fixture(name="runtime")
def _runtime(network: Network, tmp_path: Path) -> Runtime:
    return Runtime(environ={}, home=tmp_path, transport=lambda: network)


def test_good_configuration_is_ok(config: Path) -> None:
    code, out, err = invoke("check-config", f"--config.file={config}")
    # The demo looks at figures twice a minute.
    dear, verdict = out.splitlines()
    assert re.match(rf'{config}:\d+:5: warning: sources\[7\] "msf": metrics of CloudWatch ', dear)
    assert (code, verdict, err) == (0, f"{config}: ok, {len(SOURCES)} sources", "")


def test_configuration_that_gives_secrets_away_is_ok_and_said_to(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text(
        "sources:\n- {name: a, platform: huawei_dli, project_id: p,\n   endpoint: 'http://dli.internal'}"
    )
    code, out, _ = invoke("check-config", f"--config.file={config}")
    warning, verdict = out.splitlines()
    assert (code, verdict) == (0, f"{config}: ok, 1 source")
    assert warning.startswith(f'{config}:3:14: warning: sources[0] "a": endpoint: plain HTTP: ')


def test_limits_that_are_not_the_defaults_are_told_a_line_a_source(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    flink = "platform: apache_flink, endpoint: 'http://localhost:1'"
    config.write_text(
        "attention: {stuck_after: 90m}\n"
        f"sources: [{{name: a, {flink}}},\n"
        f"  {{name: b, {flink}, attention: {{stuck_after: 15m}}}},\n"
        f"  {{name: c, {flink}, attention: {{restarts: {{burst: 9}}, failed_retention: 1d}}}}]\n"
    )
    code, out, _ = invoke("check-config", f"--config.file={config}")
    assert code == 0
    assert out.splitlines() == [
        "attention: a: stuck_after 1h30m (default 15m)",
        "attention: c: failed_retention 1d (default 7d), stuck_after 1h30m (default 15m), "
        "restarts.burst 9 (default 5)",
        f"{config}: ok, 3 sources",
    ]


def test_every_problem_of_a_bad_configuration_is_told(config: Path) -> None:
    config.write_text("sources: [{name: a, platform: huawei_dly}, {name: b}]\nsorces: []\n")
    code, out, err = invoke("check-config", f"--config.file={config}")
    assert code == 2
    assert out == ""
    assert err.splitlines() == [
        f"{config}:1:31: sources[0] \"a\": platform: 'huawei_dly': no such platform; "
        "did you mean huawei_dli?",
        f'{config}:1:44: sources[1] "b": platform: required; one of alibaba_blink, alibaba_flink, '
        "apache_flink, aws_flink, flink_operator, huawei_dataarts, huawei_dli, kafka_connect, "
        "tencent_oceanus",
        f"{config}:2:1: sorces: unknown key; did you mean sources?",
    ]


def test_missing_configuration_file_is_told_by_its_name(tmp_path: Path) -> None:
    code, _, err = invoke(f"--config.file={tmp_path / 'none.yml'}", "once")
    assert code == 2
    assert err == (
        f"error: {tmp_path / 'none.yml'}: No such file or directory; `streaming-job-exporter init` "
        "writes one, `streaming-job-exporter demo` needs none\n"
    )


def test_sources_are_tried_online(config: Path, runtime: Runtime, network: Network) -> None:
    code, out, _ = invoke("check-config", "--online", f"--config.file={config}", runtime=runtime)
    assert code == 0
    rows = [line.split() for line in out.splitlines() if ": warning: " not in line]
    assert rows[0] == ["SOURCE", "PLATFORM", "RESULT", "JOBS", "MESSAGE"]
    assert [row[0] for row in rows[1:]] == list(SOURCES)
    assert all(row[2] == "ok" and int(row[3]) > 5 for row in rows[1:])


def test_source_that_cannot_be_reached_is_named_with_its_reason(
    config: Path, runtime: Runtime, network: Network
) -> None:
    network.down.add("foas")
    code, out, _ = invoke("check-config", "--online", f"--config.file={config}", runtime=runtime)
    assert code == 1
    assert re.search(r"blink +alibaba_blink +FAILED +- .*connection", out)
    assert out.count(" ok ") == len(SOURCES) - 1


def test_once_prints_the_metrics_of_all_sources(config: Path, runtime: Runtime) -> None:
    code, out, _ = invoke("once", f"--config.file={config}", runtime=runtime)
    assert code == 0
    for source in SOURCES:
        assert re.search(rf'^streaming_source_up{{.*source="{source}"}} 1.0$', out, re.MULTILINE)
        assert re.search(rf'^streaming_job_state{{.*source="{source}",', out, re.MULTILINE)


def test_once_fails_when_a_source_did(config: Path, runtime: Runtime, network: Network) -> None:
    network.down.add("flink")
    code, out, err = invoke("--log.format=json", "once", f"--config.file={config}", runtime=runtime)
    assert code == 1
    assert 'streaming_source_up{platform="apache_flink",source="flink"} 0.0' in out
    events = [json.loads(line) for line in err.splitlines()]
    assert [each["reason"] for each in events if each["level"] == "warning"] == ["connection"]


def test_plan_tells_what_the_calls_cost(config: Path) -> None:
    code, out, _ = invoke("plan", "--jobs=500", f"--config.file={config}")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert rows["dli-prod"][2] == "500"
    per_minute, per_day = float(rows["dli-prod"][3]), float(rows["dli-prod"][4])
    assert per_day == pytest.approx(per_minute * 1440, rel=0.01)
    assert float(rows["total"][1]) == pytest.approx(
        sum(float(rows[name][3]) for name in SOURCES),
        abs=3,
    )


def test_plan_says_when_the_limit_is_too_small(config: Path) -> None:
    _, out, _ = invoke("plan", "--jobs=50000", f"--config.file={config}")
    assert "over rate_limit" in out


def test_plan_counts_the_jobs_there_are(config: Path, runtime: Runtime) -> None:
    code, out, _ = invoke("plan", "--online", f"--config.file={config}", runtime=runtime)
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert code == 0
    assert 5 <= int(rows["flink"][2]) <= 12


def test_plan_of_several_shards_is_that_of_each_and_their_sum(config: Path) -> None:
    arguments = ("plan", "--jobs=900", f"--config.file={config}", "--shard=1", "--total-shards=3")
    _, out, _ = invoke(*arguments)
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert int(rows["3"][2]) == pytest.approx(3 * int(rows["total"][1]), abs=2)
    _, alone, _ = invoke("plan", "--jobs=900", f"--config.file={config}")
    assert int(alone.splitlines()[-1].split()[1]) > int(rows["total"][1])


def test_shard_exports_its_share(config: Path, runtime: Runtime) -> None:
    def jobs(*flags: str, pod: str = "") -> set[str]:
        named = replace(runtime, environ={"HOSTNAME": pod})
        code, out, _ = invoke("once", f"--config.file={config}", *flags, runtime=named)
        assert code == 0
        lines = out.splitlines()
        return {line.split("}")[0] for line in lines if line.startswith("streaming_job_state{")}

    parts = [jobs(f"--shard={number}", "--total-shards=2") for number in range(2)]
    assert parts[0].isdisjoint(parts[1])
    assert parts[0] | parts[1] == jobs()
    assert jobs("--shard=auto", "--total-shards=2", pod="exporter-1") == parts[1]


@pytest.mark.parametrize("command", [[], ["once"], ["plan"]])
def test_shard_that_cannot_be_is_told(config: Path, command: list[str]) -> None:
    flags = (f"--config.file={config}", "--shard=2", "--total-shards=2")
    code, _, err = invoke(*command, *flags)
    message = "error: --shard: 2: expected less than --total-shards, which is 2\n"
    assert (code, err) == (2, message)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--web.telemetry-path=metrics"],
        ["--web.telemetry-path=/-/metrics"],
        ["--web.telemetry-path=/static/metrics"],
        ["--web.telemetry-path=/runbooks"],
        ["--web.telemetry-path=/job"],
        ["plan", "--jobs=many"],
        ["--log.level=loud"],
        ["--config.fil=x"],
        ["observe"],
    ],
)
def test_wrong_arguments_end_with_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        invoke(*arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address",
    ["localhost", "host:port", "127.0.0.1:70000", "[::1", "127.0.0.1:1:2", ":", "a b:1", ":\u0661"],
)
def test_wrong_listen_address_is_told(config: Path, address: str) -> None:
    code, _, err = invoke(f"--config.file={config}", f"--web.listen-address={address}")
    assert code == 2
    assert f"error: --web.listen-address: {address}: expected host:port" in err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        invoke("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_bad_configuration_ends_the_program_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text("sources: []\n")
    code, _, err = invoke(f"--config.file={path}", "--web.listen-address=127.0.0.1:0")
    assert code == 2
    message = "sources: expected a list of at least one source, found an empty list"
    logged, told = err.splitlines()
    assert "configuration not loaded" in logged
    assert told == f"{path}:1:1: {message}"


@pytest.mark.parametrize("address", ["127.0.0.1:0", ":0", "[::1]:0", "localhost:0"])
def test_listening_works_on_every_kind_of_address(address: str) -> None:
    with listen(address) as listener:
        port = listener.getsockname()[1]
        host = "::1" if address.startswith("[") else "127.0.0.1"
        with socket.create_connection((host, port), timeout=5):
            pass


@pytest.mark.parametrize("text", ["0", "-1", "many", "", "1000001", "٣", "9" * 5000])
def test_number_of_connections_that_cannot_be_is_told(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        invoke(f"--web.max-connections={text}")
    assert caught.value.code == 2
    assert "--web.max-connections: expected a number of connections" in capsys.readouterr().err


def test_check_reads_the_file_of_the_listener_as_well(config: Path, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config: {min_version: TLS10}\nusers: {}\n")
    flags = (f"--config.file={config}", f"--web.config.file={web}")
    code, _, err = invoke("check-config", *flags)
    assert code == 2
    assert err.splitlines() == [
        f"{web}:1:34: tls_server_config.min_version: TLS10: refused: TLS 1.0 and 1.1 are "
        "broken; expected TLS12 or TLS13",
        f"{web}:2:1: users: unknown key",
    ]
    web.write_text("")
    assert invoke("check-config", *flags)[0] == 0


@pytest.mark.parametrize("command", [[], ["check-config"]])
def test_problems_of_both_files_are_told_together_and_before_the_port_is_looked_at(
    tmp_path: Path, command: list[str]
) -> None:
    config, web = tmp_path / "exporter.yml", tmp_path / "web.yml"
    config.write_text("sources: []\n")
    web.write_text("\nusers: {}\n")
    with listen("127.0.0.1:0") as listener:
        taken = f"--web.listen-address=127.0.0.1:{listener.getsockname()[1]}"
        flags = (f"--config.file={config}", f"--web.config.file={web}", taken)
        code, _, err = invoke(*command, *flags)
    assert code == 2
    assert err.splitlines()[-2:] == [
        f"{config}:1:1: sources: expected a list of at least one source, found an empty list",
        f"{web}:2:1: users: unknown key",
    ]


def test_address_in_use_is_told(config: Path) -> None:
    with listen("127.0.0.1:0") as listener:
        taken = f"127.0.0.1:{listener.getsockname()[1]}"
        code, _, err = invoke(f"--config.file={config}", f"--web.listen-address={taken}")
    assert code == 2
    assert f"error: --web.listen-address: {taken}: Address already in use" in err
