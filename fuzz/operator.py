"""Fuzz what reads the Flink operator's resources, and the files that lead to an API server."""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from exporter.auth.kubeconfig import parse_kubeconfig
from exporter.errors import FetchError, UnusableError
from exporter.fields import Flaws, read_rows
from exporter.model import Job, State
from exporter.upstream.client import decode_json
from exporter.upstream.refusals import Answer
from exporter.vendors.flink_operator.errors import parse_error
from exporter.vendors.flink_operator.jobs import describe, join
from exporter.vendors.flink_operator.resources import (
    DEPLOYMENTS,
    SESSION_JOBS,
    parse_resource,
    parse_status,
    resource_reader,
)
from fuzz.page import NOW, Pages, Unsound
from fuzz.target import Form, Target

_SHARE = 16
_KUBECONFIGS = (
    b"""\
apiVersion: v1
kind: Config
current-context: prod
contexts: [{name: prod, context: {cluster: c, user: u, namespace: streams}}]
clusters: [{name: c, cluster: {server: "https://10.0.0.1:6443", tls-server-name: k8s,
  certificate-authority-data: LS0t, insecure-skip-tls-verify: false, proxy-url: "http://p:1"}}]
users: [{name: u, user: {token: t, tokenFile: ./token, client-key: key, client-certificate: crt}}]
""",
    b'{"current-context": "a", "users": [{"name": "u", "user": {"exec": {"command": "aws"}}}]}',
    b"contexts: [{name: a}, {name: a}]\n",
    b"",
)
_ERRORS = (
    b'{"type":"a.b.CException","message":"m","additionalMetadata":{"reason":"OOMKilled"},'
    b'"throwableList":[{"type":"d.e.F","message":"n"}]}',
    b"Job Not Found",
    b"java.lang.IllegalStateException: x\nCaused by: java.io.IOException: y",
    b'{"type": 1, "throwableList": {}}',
)


class _Resources:
    """Read one page of a listing, describe its jobs, join and show them."""

    def __init__(self) -> None:
        self._pages = Pages()

    def __call__(self, data: bytes) -> None:
        flaws = Flaws()
        try:
            document = decode_json("fuzz", Answer(status=200, headers={}, body=data))
        except FetchError:
            return
        items = document.get("items") if isinstance(document, Mapping) else None
        jobs = list(_described(items if isinstance(items, list) else [document], flaws))
        for flaw in flaws.unreadable:
            str(flaw).encode("utf-8")
        keyed = {job.key: job for job in jobs}
        self._pages.show(list(keyed.values()), read_back=zlib.crc32(data) % _SHARE == 0)


def _described(rows: list[Any], flaws: Flaws) -> Iterable[Job]:
    for kind in (DEPLOYMENTS, SESSION_JOBS):
        for resource in read_rows(rows, resource_reader(kind, "", flaws)):
            if resource is not None and resource.runs_job:
                described = describe(resource, NOW, flaws, job_id=f"{kind.plural}/{resource.name}")
                yield join(described, _running(resource.namespace))


def _running(project: str) -> Job:
    return Job(
        project=project,
        job_id="0" * 32,
        job_name="j",
        state=State.RUNNING,
        native_status="RUNNING",
        restart_times=1,
        observed_timestamp=NOW,
    )


def _kubeconfig(data: bytes) -> None:
    text = data.decode("latin-1")
    try:
        login = parse_kubeconfig([(Path("/a/config"), text), (Path("/b/config"), text)])
    except UnusableError as exc:
        if len(str(exc)) > len(data) * 2 + 4096:
            raise Unsound("a refusal is as long as what it is about") from exc
        return
    if login.password and login.password in repr(login):
        raise Unsound("a login shows its password")


def _error(data: bytes) -> None:
    flaws = Flaws()
    found = parse_error(data.decode("utf-8", "surrogateescape"), flaws)
    for word in (found.error_id, found.error_type):
        if len(word) > 200 or not word.isascii() or not word.isprintable():
            raise Unsound("a class or a reason is no word")
    if len(found.text) > 16384:
        raise Unsound("an error has no end")


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of input."""
    return (
        Target(
            name="operator_resources",
            form=Form.JSON,
            check=_Resources(),
            covers=(parse_resource, parse_status),
            seeds=("tests/fixtures/flink_operator/recorded/[fosw]*.json",),
        ),
        Target(
            name="operator_error",
            form=Form.TEXT,
            check=_error,
            covers=(parse_error,),
            examples=_ERRORS,
        ),
        Target(
            name="kubeconfig",
            form=Form.TEXT,
            check=_kubeconfig,
            covers=(parse_kubeconfig,),
            examples=_KUBECONFIGS,
        ),
    )
