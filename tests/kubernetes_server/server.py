"""Start and stop etcd and kube-apiserver on loopback, and talk to them as their administrator."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.kubernetes_server.definitions import GROUP, KINDS, VERSION, definition

ROOT = Path(__file__).parents[2]
NAMESPACES = ("streams", "risk", "other", "monitoring")
WATCHED = ("streams", "risk")
READER = ("monitoring", "exporter")
"""May get and list the two kinds in the watched namespaces."""
WIDE = ("monitoring", "exporter-wide")
"""May do so in every namespace."""
LEEWAY = 60
"""Seconds that kube-apiserver takes a token for after it has expired."""
_ISSUER = "https://kubernetes.default.svc"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ETCD_PATIENCE = 90.0
_MERGE = "application/merge-patch+json"


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class KubernetesServer:
    """Both programs, with certificates, accounts and rights of their own, in a folder."""

    def __init__(self, folder: Path) -> None:
        built = subprocess.run(
            [ROOT / "scripts" / "build-kube-apiserver"], check=True, stdout=subprocess.PIPE
        )
        self._programs = Path(built.stdout.decode().strip())
        self.folder = folder
        self._port, self._etcd_port = free_port(), free_port()
        self.endpoint = f"https://127.0.0.1:{self._port}"
        self.authority = folder / "ca.crt"
        self.admin = uuid.uuid4().hex
        self._accounts: dict[tuple[str, str], str] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._make_certificates()
        self._context = ssl.create_default_context(cafile=str(self.authority))

    def __enter__(self) -> "KubernetesServer":
        try:
            self._start_etcd()
            self._start_server()
            self._furnish()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop both, each by its id."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        kind: str = "application/json",
    ) -> tuple[int, Any]:
        """Send a request, by default as administrator; return status and JSON or text."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, context=self._context, timeout=20
        )
        headers = {"Content-Type": kind, "Accept": "application/json"}
        headers["Authorization"] = f"Bearer {self.admin if token is None else token}"
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data.decode("utf-8", "replace")

    def must(self, method: str, path: str, body: object = None, *, kind: str = "") -> Any:
        """Send a request that has to succeed; return its JSON."""
        status, answer = self.call(method, path, body, kind=kind or "application/json")
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {str(answer)[:400]}")
        return answer

    def path(self, plural: str, namespace: str = "", name: str = "") -> str:
        """Return where a kind, or one object of it, is."""
        within = f"/namespaces/{namespace}" if namespace else ""
        return f"/apis/{GROUP}/{VERSION}{within}/{plural}" + (f"/{name}" if name else "")

    def put(self, plural: str, resource: dict[str, Any]) -> dict[str, Any]:
        """Make a resource or exchange one, its status included; return it."""
        metadata = resource["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        place = self.path(plural, namespace, name)
        status, old = self.call("GET", place)
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KINDS[plural], **resource}
        if status == 404:
            made = self.must("POST", self.path(plural, namespace), body)
        else:
            body["metadata"] = {**metadata, "resourceVersion": old["metadata"]["resourceVersion"]}
            made = self.must("PUT", place, body)
        if "status" in resource:
            made = self.must("PUT", f"{place}/status", {**made, "status": resource["status"]})
        found: dict[str, Any] = made
        return found

    def delete(self, plural: str, namespace: str, name: str) -> None:
        """Delete a resource."""
        self.must("DELETE", self.path(plural, namespace, name))

    def clear(self) -> None:
        """Delete all resources, whoever holds on to them."""
        for plural in KINDS:
            for each in self.must("GET", self.path(plural))["items"]:
                metadata = each["metadata"]
                place = self.path(plural, metadata["namespace"], metadata["name"])
                if metadata.get("finalizers"):
                    self.call("PATCH", place, {"metadata": {"finalizers": None}}, kind=_MERGE)
                self.call("DELETE", place)

    def serve(self, plural: str, *, served: bool) -> None:
        """Answer for a kind, or with a line of text and 404, its objects untouched."""
        versions = definition(plural)["spec"]["versions"]
        self.must(
            "PATCH",
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{GROUP}",
            {"spec": {"versions": [{**versions[0], "served": served}]}},
            kind=_MERGE,
        )
        wanted = 200 if served else 404
        wait_for(lambda: self.call("GET", self.path(plural))[0] == wanted)

    def allow(self, namespace: str, *plurals: str) -> None:
        """Let the reader read these kinds of a namespace, and no others."""
        rules = {"rules": _rights(*plurals)}
        self.must("PATCH", f"{_RBAC}/namespaces/{namespace}/roles/flink", rules, kind=_MERGE)

    def token(self, account: tuple[str, str] = READER, *, seconds: int = 3600) -> str:
        """Return a token of an account that is refused after so many seconds.

        Signed here: the API's own live ten minutes at least.
        """
        now, (namespace, name) = int(time.time()), account
        claims = {
            "iss": _ISSUER,
            "aud": [_ISSUER],
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "iat": now - 3600,
            "nbf": now - 3600,
            "exp": now + seconds - LEEWAY,
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": name, "uid": self._accounts[account]},
            },
        }
        parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256"}, claims)]
        signed = self._openssl("dgst", "-sha256", "-sign", "sa.key", given=b".".join(parts))
        return b".".join([*parts, _encoded(signed)]).decode()

    def client_certificate(self, user: str, group: str) -> tuple[Path, Path]:
        """Return certificate and key of a user of a group."""
        name = f"{user}.client"
        subject = f"/O={group}/CN={user}"
        self._certify(name, subject, "extendedKeyUsage=clientAuth\n")
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def compact(self) -> None:
        """Make etcd forget all but the newest, so that a listing begun before expires."""
        connection = http.client.HTTPConnection("127.0.0.1", self._etcd_port, timeout=5)
        try:
            tick = {"key": base64.b64encode(b"/test/tick").decode(), "value": "MQ=="}
            connection.request("POST", "/v3/kv/put", json.dumps(tick))
            revision = json.loads(connection.getresponse().read())["header"]["revision"]
            connection.request("POST", "/v3/kv/compaction", json.dumps({"revision": revision}))
            connection.getresponse().read()
        finally:
            connection.close()

    def _start_etcd(self) -> None:
        peer = f"http://127.0.0.1:{free_port()}"
        client = f"http://127.0.0.1:{self._etcd_port}"
        self._start(
            "etcd",
            *("--data-dir", str(self.folder / "etcd")),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        )

    def _start_server(self) -> None:
        here = self.folder
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"),
            f"--secure-port={self._port}",
            f"--cert-dir={here}/certs",
            f"--tls-cert-file={here}/server.crt",
            f"--tls-private-key-file={here}/server.key",
            f"--client-ca-file={here}/ca.crt",
            f"--token-auth-file={here}/tokens.csv",
            "--authorization-mode=RBAC",
            *(f"--service-account-issuer={_ISSUER}", f"--api-audiences={_ISSUER}"),
            f"--service-account-key-file={here}/sa.pub",
            f"--service-account-signing-key-file={here}/sa.key",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
        )
        wait_for(lambda: self.call("GET", "/readyz")[0] == 200, _ETCD_PATIENCE)

    def _start(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [self._programs / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _furnish(self) -> None:
        """Install kinds, namespaces, accounts and their rights."""
        for plural in KINDS:
            place = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
            self.must("POST", place, definition(plural))
            wait_for(lambda plural=plural: self.call("GET", self.path(plural))[0] == 200)  # type: ignore[misc]
        for namespace in NAMESPACES:
            self.must("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        for namespace, name in (READER, WIDE):
            place = f"/api/v1/namespaces/{namespace}/serviceaccounts"
            made = self.must("POST", place, {"metadata": {"name": name}})
            self._accounts[namespace, name] = made["metadata"]["uid"]
        for namespace in WATCHED:
            place = f"{_RBAC}/namespaces/{namespace}"
            self._grant(place, "Role", READER, _rights(*KINDS))
        self._grant(_RBAC, "ClusterRole", WIDE, _rights(*KINDS))

    def _grant(
        self, place: str, kind: str, account: tuple[str, str], rules: list[dict[str, Any]]
    ) -> None:
        plural = f"{kind.lower()}s"
        self.must("POST", f"{place}/{plural}", {"metadata": {"name": "flink"}, "rules": rules})
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "flink"}
        subject = {"kind": "ServiceAccount", "namespace": account[0], "name": account[1]}
        binding = {"metadata": {"name": "flink"}, "roleRef": reference, "subjects": [subject]}
        self.must("POST", f"{place}/{kind.lower()}bindings", binding)

    def _make_certificates(self) -> None:
        (self.folder / "ca.cnf").write_text(
            "[req]\ndistinguished_name=d\nx509_extensions=v3\n[d]\n[v3]\n"
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
            "subjectKeyIdentifier=hash\n"
        )
        self._openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key"),
            *("-out", "ca.crt", "-days", "30", "-subj", "/CN=test-ca", "-config", "ca.cnf"),
        )
        names = "subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc\n"
        self._certify("server", "/CN=kube-apiserver", f"{names}extendedKeyUsage=serverAuth\n")
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        (self.folder / "tokens.csv").write_text(f'{self.admin},admin,admin,"system:masters"\n')

    def _certify(self, name: str, subject: str, extensions: str) -> None:
        (self.folder / f"{name}.ext").write_text(extensions)
        self._openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"),
            *("-out", f"{name}.csr", "-subj", subject, "-config", "ca.cnf"),
        )
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-out", f"{name}.crt", "-days", "30"),
            *("-extfile", f"{name}.ext"),
        )

    def _openssl(self, *arguments: str, given: bytes = b"") -> bytes:
        done = subprocess.run(
            ["openssl", *arguments],
            cwd=self.folder,
            check=True,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return done.stdout


def wait_for(condition: Callable[[], bool], patience: float = 30.0) -> None:
    """Wait until a condition holds; raises TimeoutError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if condition():
                return
        except (OSError, http.client.HTTPException):
            # Not there yet.
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {patience:.0f} s")
        time.sleep(0.1)


def _rights(*plurals: str) -> list[dict[str, Any]]:
    if not plurals:
        return []
    return [{"apiGroups": [GROUP], "resources": list(plurals), "verbs": ["get", "list"]}]


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
