"""Record what a real API server answers, as what the simulated one is held against."""

import json
from pathlib import Path
from typing import Any

from tests.kubernetes_server.definitions import GROUP
from tests.kubernetes_server.server import READER, WIDE, KubernetesServer
from tests.operator_situations import DEPLOYMENTS, SESSION_JOBS

NAMES = ("alpha", "beta", "gamma")


def resource(name: str) -> dict[str, Any]:
    """Return a small FlinkDeployment."""
    return {
        "metadata": {"namespace": "streams", "name": name, "labels": {"team": "payments"}},
        "spec": {"job": {"state": "running"}, "flinkVersion": "v1_20"},
    }


SERVICE = {
    "metadata": {"name": "alpha-rest", "namespace": "streams", "labels": {"type": "flink"}},
    "spec": {"ports": [{"name": "rest", "port": 8081}], "selector": {"app": "alpha"}},
}


def record_all(server: KubernetesServer, folder: Path) -> None:
    """Ask for everything that matters and keep the answers under `folder`."""
    recorder = _Recorder(server, folder)
    for name in NAMES:
        server.put(DEPLOYMENTS, resource(name))
    server.must("POST", "/api/v1/namespaces/streams/services", SERVICE)
    reader, wide = server.token(READER), server.token(WIDE)
    streams = server.path(DEPLOYMENTS, "streams")
    recorder.record("whole", streams, reader)
    first = recorder.record("first_page", f"{streams}?limit=2", reader)
    token = first["metadata"]["continue"]
    server.delete(DEPLOYMENTS, "streams", "gamma")
    server.put(DEPLOYMENTS, resource("delta"))
    recorder.record("last_page", f"{streams}?limit=2&continue={token}", reader)
    recorder.record("whole_later", streams, reader)
    server.compact()
    recorder.record("expired", f"{streams}?limit=2&continue={token}", reader)
    recorder.record("nonsense_token", f"{streams}?limit=2&continue=nonsense", reader)
    recorder.record("bad_selector", f"{streams}?labelSelector=a%20b%20c", reader)
    recorder.record("selected", f"{streams}?labelSelector=team%3Dpayments&limit=1", reader)
    recorder.record("selected_none", f"{streams}?labelSelector=team%3Dnobody", reader)
    recorder.record("bad_field", f"{streams}?fieldSelector=status.error%3Dx", reader)
    recorder.record("bad_limit", f"{streams}?limit=many", reader)
    recorder.record("empty", server.path(SESSION_JOBS, "streams"), reader)
    recorder.record("everywhere", server.path(DEPLOYMENTS), wide)
    recorder.record("missing_namespace", server.path(DEPLOYMENTS, "nowhere"), wide)
    recorder.record("forbidden_everywhere", server.path(DEPLOYMENTS), reader)
    recorder.record("forbidden", server.path(DEPLOYMENTS, "other"), reader)
    recorder.record("unauthorized", streams, "nonsense")
    absent = f"/apis/{GROUP}/v1beta1/flinkbluegreendeployments"
    recorder.record("missing_kind", absent, server.admin)
    recorder.record("forbidden_kind", absent, wide)
    recorder.record("missing_version", f"/apis/{GROUP}/v1/flinkdeployments", server.admin)
    recorder.record("missing_group", "/apis/none.example.org/v1/flinkdeployments", server.admin)
    recorder.record("object", f"{streams}/alpha", reader)
    recorder.record("missing_object", f"{streams}/nobody", reader)
    recorder.record("forbidden_object", server.path(DEPLOYMENTS, "other", "alpha"), reader)
    recorder.record("namespace", "/api/v1/namespaces/streams", server.admin)
    recorder.record("no_such_namespace", "/api/v1/namespaces/nowhere", server.admin)
    recorder.record("forbidden_namespace", "/api/v1/namespaces/nowhere", reader)
    recorder.record("services", "/api/v1/namespaces/streams/services", server.admin)
    proxy = "/api/v1/namespaces/streams/services/{}:8081/proxy/config"
    recorder.record("forbidden_proxy", proxy.format("alpha-rest"), reader)
    recorder.record("proxy_to_nobody", proxy.format("alpha-rest"), server.admin)
    recorder.record("proxy_to_no_service", proxy.format("nobody-rest"), server.admin)
    recorder.write_index()


class _Recorder:
    def __init__(self, server: KubernetesServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._index: dict[str, dict[str, object]] = {}

    def record(self, name: str, target: str, token: str) -> Any:
        status, answer = self._server.call("GET", target, token=token)
        shown = target if "continue=ey" not in target else f"{target.partition('&continue')[0]}"
        continues = {"continue": True} if shown != target else {}
        whose = "administrator" if token == self._server.admin else "account"
        self._index[name] = {"request": f"GET {shown}", "status": status, "as": whose, **continues}
        suffix = "txt" if isinstance(answer, str) else "json"
        text = answer if isinstance(answer, str) else _pretty(answer)
        (self._folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
        return answer

    def write_index(self) -> None:
        (self._folder / "index.json").write_text(_pretty(self._index), encoding="utf-8")


def _pretty(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
