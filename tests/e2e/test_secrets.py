"""No configured secret, token or job content appears anywhere, whatever goes wrong."""

import asyncio
import io
import logging
from pathlib import Path

import httpx
import pytest

from exporter.app import App
from exporter.configuration.checking import table, try_sources
from exporter.configuration.config import parse
from exporter.errors import ConfigError
from exporter.process.logs import build_log, quiet_libraries
from exporter.runtime import Runtime
from exporter.simulator.aws.applications import PROPERTY
from exporter.simulator.clouds import (
    ALIBABA_SECRET,
    AWS_EXTERNAL_ID,
    AWS_SECRET,
    CONNECT_SECRET,
    HUAWEI_SECRET,
    PASSWORD,
    TENCENT_SECRET,
    build_clouds,
    configuration,
)
from exporter.simulator.fault_injection import Canned
from exporter.simulator.kafka_connect.cluster import IN_THE_CLEAR
from tests.e2e.simulated_clouds import HOSTS, Network

JOB_SECRET = "hunter2"
FLINK_PASSWORD = "flink-basic-password"


class Eavesdropper(httpx.AsyncBaseTransport):
    """Note every credential that is really sent, so that the search looks for these as well."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.sent: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        names = ("x-auth-token", "authorization", "x-security-token", "x-amz-security-token")
        for name in (*names, "x-tc-token"):
            if value := request.headers.get(name):
                self.sent |= {value, value.rpartition("Signature=")[2].rpartition(" ")[2]}
        return await self._inner.handle_async_request(request)


def _text(*, huawei: str = HUAWEI_SECRET, password: str = PASSWORD) -> str:
    text = configuration({host: f"http://{host}" for host in HOSTS})
    text = text.replace(HUAWEI_SECRET, huawei).replace(
        f"password: {PASSWORD}", f"password: {password}"
    )
    # A rejected or throttled request is retried with pauses; one try each is enough here.
    return text.replace(
        'endpoint: "http://flink"}',
        'endpoint: "http://flink", auth: {basic: {username: reader, password: '
        f"{FLINK_PASSWORD}}}}}}}",
    )


async def _everything_shown(text: str, faults: str) -> tuple[str, set[str]]:
    """Run the whole exporter a while in real time; return all it lets out and all it sent."""
    clouds = build_clouds(clock=_now, seed=1)
    network = Network(clouds)
    ear = Eavesdropper(network)
    for cloud in clouds.all():
        if faults == "storm":
            cloud.faults.throttling = True
        elif faults == "outage":
            cloud.faults.outage = True
    if faults == "refused":
        network.down |= set(HOSTS)
    if faults == "echo":
        _quote_everything(clouds)
    stream = io.StringIO()
    root, handler = logging.getLogger(), logging.StreamHandler(stream)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    log = build_log("debug", "logfmt", stream)
    quiet_libraries(log)

    async def soon(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))

    runtime = Runtime(
        clock=_now, sleep=soon, environ={}, home=Path("/nonexistent"), transport=lambda: ear
    )
    config = parse(text, environ={}, directory=Path())
    app = App(lambda: config, runtime=runtime, log=log)
    shown = [repr(config), str(config), repr(app)]
    try:
        await app.poll_once()
        for running in app._running.values():
            await running.collector.poll()
        app.exposition.refresh()
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app.web()), base_url="http://exporter"
        ) as browser:
            for path in ("/", "/metrics", "/api/v1/jobs", "/api/v1/sources", "/-/ready"):
                answer = await browser.get(path)
                shown.append(answer.text + repr(answer.headers))
        shown.append(table(await try_sources(config, runtime)))
    finally:
        await app.stop()
        root.removeHandler(handler)
        root.setLevel(level)
    return "\n".join([*shown, stream.getvalue()]), ear.sent


def _quote_everything(clouds: object) -> None:
    """Let every API answer with a body that quotes secrets, as badly behaved gateways do."""
    quote = f"{HUAWEI_SECRET} {PASSWORD} {ALIBABA_SECRET} {FLINK_PASSWORD} {JOB_SECRET}"
    quote += f" {CONNECT_SECRET} {IN_THE_CLEAR} {AWS_SECRET} {AWS_EXTERNAL_ID} {TENCENT_SECRET}"
    refusal = {"Code": "AuthFailure.SignatureFailure", "Message": quote}
    for status, name, operation, body in (
        (401, "dli", "ListFlinkJobs", {"error_code": "APIGW.0301", "error_msg": quote}),
        (400, "foas", "ListInstance", {"Code": "SignatureDoesNotMatch", "Message": quote}),
        (401, "flink", "/jobs/overview", {"errors": [quote]}),
        (403, "sts", "AssumeRole", {"__type": "AccessDenied", "message": quote}),
        (400, "cloudwatch", "GetMetricData", {"__type": "ValidationError", "message": quote}),
        (500, "connect", "/connectors", {"error_code": 500, "message": quote}),
        (200, "oceanus", "DescribeJobs", {"Response": {"Error": refusal, "RequestId": quote}}),
    ):
        getattr(clouds, name).faults.overrides[operation] = Canned(
            status=status, headers={}, body=httpx.Response(200, json=body).content
        )


def _now() -> float:
    return asyncio.get_running_loop().time() + 1_700_000_000


@pytest.mark.parametrize("faults", ["fair", "storm", "outage", "refused", "echo", "wrong"])
def test_nothing_secret_is_let_out(faults: str) -> None:
    wrong = faults == "wrong"
    text = _text(huawei="wrong-secret-key", password="wrong-password") if wrong else _text()
    out, sent = asyncio.run(_everything_shown(text, faults))
    secrets = {HUAWEI_SECRET, PASSWORD, ALIBABA_SECRET, FLINK_PASSWORD, JOB_SECRET}
    # Every listing of Connect shows the last one in plain text.
    secrets |= {CONNECT_SECRET, IN_THE_CLEAR}
    # Every description of an application has properties, passwords among them.
    secrets |= {AWS_SECRET, AWS_EXTERNAL_ID, PROPERTY}
    # The address of a Flink UI carries access to it.
    secrets |= {TENCENT_SECRET, "webui-", "flink-ui.example"}
    secrets |= {"wrong-secret-key", "wrong-password"} | sent
    assert len(sent) > 4 or faults == "refused"
    assert [secret for secret in secrets if secret in out] == []
    # The search itself works: what is no secret is found.
    assert "dli-prod" in out
    assert "<secret>" in out


@pytest.mark.parametrize(
    "damage",
    [
        ("access_key:", "acess_key:"),
        ("region:", "regoin:"),
        ("iam:", "iam: [] #"),
        ("project_id:", "project_id: {} #"),
        ("basic:", "basic: x #"),
        ("username:", "usernam:"),
    ],
)
def test_configuration_error_quotes_no_secret(damage: tuple[str, str]) -> None:
    text = _text().replace(*damage)
    if text == _text():
        text = text.replace("platform:", "platfrom:")
    with pytest.raises(ConfigError) as caught:
        parse(text, environ={}, directory=Path())
    clouds = (HUAWEI_SECRET, ALIBABA_SECRET, AWS_SECRET, TENCENT_SECRET)
    for secret in (*clouds, PASSWORD, FLINK_PASSWORD, CONNECT_SECRET):
        assert secret not in str(caught.value) + repr(caught.value)
