"""The platform does what it says before a real API server: `make test-kubernetes`."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from exporter.auth.guard import GuardBook
from exporter.errors import FetchError, Reason
from exporter.platforms.flink_operator import OperatorSource, Settings
from exporter.runtime import Runtime
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry
from exporter.upstream.connector import Connector
from tests.kubernetes_server.recorder import record_all
from tests.kubernetes_server.server import WIDE, KubernetesServer
from tests.operator_situations import DEPLOYMENTS, SESSION_JOBS, SITUATIONS, Situation
from tests.platforms.flink_operator.clusters import by_id, healthy

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(900)]
T = TypeVar("T")
RECORDED = Path(__file__).parents[1] / "fixtures" / "flink_operator" / "recorded"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesServer]:
    with KubernetesServer(tmp_path_factory.mktemp("kubernetes")) as server:
        yield server


@pytest.fixture
def server(running: KubernetesServer) -> KubernetesServer:
    running.clear()
    return running


def use(
    server: KubernetesServer,
    work: Callable[[OperatorSource], Awaitable[T]],
    *,
    token: str | None = None,
    environ: dict[str, str] | None = None,
    account: Path | None = None,
    **options: Any,
) -> T:
    """Open a source in real time, use it, close it."""
    given: dict[str, Any] = {
        "name": "ops",
        "platform": "flink_operator",
        "namespaces": ["streams"],
        "details": "none",
        **options,
    }
    if environ is None and "auth" not in given:
        given["endpoint"] = server.endpoint
        given["auth"] = {"bearer": {"token": token or server.token()}}
        given["tls"] = {"ca_file": str(server.authority)}

    async def using() -> T:
        runtime = Runtime(environ=environ or {})
        if account is not None:
            runtime = Runtime(environ=environ or {}, service_account=account)
        settings = Settings(**given)
        connector = Connector(settings, runtime=runtime, telemetry=Telemetry(), guards=GuardBook())
        source = OperatorSource(settings, connector)
        try:
            return await work(source)
        finally:
            await source.aclose()

    return asyncio.run(using())


def inventory(server: KubernetesServer, **options: Any) -> Inventory:
    """Return what one listing finds."""
    return use(server, lambda source: source.fetch_inventory(), **options)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.name)
def test_situation_is_told_as_its_rule_says(server: KubernetesServer, situation: Situation) -> None:
    server.put(situation.plural, situation.resource())
    if situation.deleting:
        server.delete(situation.plural, "streams", situation.name)
    found = inventory(server)
    job = by_id(found)[situation.name]
    assert (job.state, job.expected_running) == (situation.state, situation.expected_running)
    assert (job.error_id, job.error_type) == (situation.error_id, situation.error_type)
    assert found.flaws.unreadable == []


def test_listing_of_many_pages_is_whole_and_begins_anew_when_it_expires(
    server: KubernetesServer,
) -> None:
    for number in range(120):
        server.put(DEPLOYMENTS, healthy(f"job{number:03}").resource())

    async def expire(source: OperatorSource) -> int:
        api = source._api
        asked = api.get
        calls = []

        async def meddling(operation: str, *arguments: Any, **options: Any) -> Any:
            answer = await asked(operation, *arguments, **options)
            calls.append(operation)
            if len(calls) == 1:
                server.put(DEPLOYMENTS, healthy("later").resource())
                server.compact()
            return answer

        vars(api)["get"] = meddling
        return len((await source.fetch_inventory()).jobs)

    assert use(server, expire) == 121


def test_missing_right_is_named(server: KubernetesServer) -> None:
    with pytest.raises(FetchError, match="may not list flinkdeployments"):
        inventory(server, namespaces=[])
    server.allow("streams", DEPLOYMENTS)
    try:
        server.put(DEPLOYMENTS, healthy("job").resource())
        found = inventory(server)
    finally:
        server.allow("streams", DEPLOYMENTS, SESSION_JOBS)
    assert by_id(found).keys() == {"job"}
    assert ["may not list flinksessionjobs" in str(error) for _, error in found.incomplete] == [
        True
    ]


def test_all_namespaces_are_listed_by_who_may(server: KubernetesServer) -> None:
    server.put(DEPLOYMENTS, healthy("job").resource("other"))
    found = inventory(server, namespaces=[], token=server.token(WIDE))
    assert [(job.project, job.job_id) for job in found.jobs] == [("other", "job")]


def test_kind_that_is_not_served_hurts_no_other(server: KubernetesServer) -> None:
    server.put(DEPLOYMENTS, healthy("job").resource())
    server.serve(SESSION_JOBS, served=False)
    try:
        found = inventory(server)
    finally:
        server.serve(SESSION_JOBS, served=True)
    assert by_id(found).keys() == {"job"}
    assert [each.code for each in found.failures] == ["NoSuchKind"]


def test_namespace_that_does_not_exist_is_told(server: KubernetesServer) -> None:
    found = inventory(server, namespaces=["nowhere"], token=server.admin)
    assert [error.reason for _, error in found.incomplete] == [Reason.NOT_FOUND]
    found = inventory(server, namespaces=["nowhere"], token=server.token(WIDE))
    assert ["may not be asked" in str(each) for each in found.failures] == [True]


def test_expired_token_is_refused_and_a_new_one_in_its_file_is_used(
    server: KubernetesServer, tmp_path: Path
) -> None:
    server.put(DEPLOYMENTS, healthy("job").resource())
    (tmp_path / "ca.crt").write_bytes(server.authority.read_bytes())
    token = tmp_path / "token"
    token.write_text(server.token(seconds=-60))
    host, port = server.endpoint.removeprefix("https://").split(":")
    environ = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    async def renew(source: OperatorSource) -> tuple[FetchError, int]:
        with pytest.raises(FetchError) as caught:
            await source.fetch_inventory()
        token.write_text(server.token())
        return caught.value, len((await source.fetch_inventory()).jobs)

    refused, jobs = use(server, renew, environ=environ, account=tmp_path)
    assert (refused.reason, jobs) == (Reason.AUTH, 1)


def test_kubeconfig_with_a_client_certificate_is_used(
    server: KubernetesServer, tmp_path: Path
) -> None:
    server.put(DEPLOYMENTS, healthy("job").resource())
    certificate, key = server.client_certificate("someone", "system:masters")
    cluster = {
        "server": server.endpoint,
        "certificate-authority": str(server.authority),
        "tls-server-name": "kubernetes.default.svc",
    }
    document = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [
            {"name": "u", "user": {"client-certificate": str(certificate), "client-key": str(key)}}
        ],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    found = inventory(server, auth={"kubeconfig": {"file": str(path)}})
    assert by_id(found).keys() == {"job"}
    cluster["tls-server-name"] = "another.example.org"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(FetchError) as caught:
        inventory(server, auth={"kubeconfig": {"file": str(path)}})
    assert caught.value.reason is Reason.TLS


def test_job_is_gone_when_the_server_says_so(server: KubernetesServer) -> None:
    server.put(DEPLOYMENTS, healthy("job").resource())

    async def lose(source: OperatorSource) -> FetchError:
        [row] = (await source.fetch_inventory()).jobs
        server.delete(DEPLOYMENTS, "streams", "job")
        await source.fetch_inventory()
        with pytest.raises(FetchError) as caught:
            await source.fetch_details(row)
        return caught.value

    assert use(server, lose).gone


def test_recorded_answers_are_still_what_it_says(server: KubernetesServer, tmp_path: Path) -> None:
    server.call("DELETE", "/api/v1/namespaces/streams/services/alpha-rest")
    record_all(server, tmp_path)
    before = json.loads((RECORDED / "index.json").read_text())
    assert json.loads((tmp_path / "index.json").read_text()) == before
