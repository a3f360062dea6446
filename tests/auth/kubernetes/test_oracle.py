"""Kubernetes' own client understands a kubeconfig as we do, and reads the simulated API server."""

import asyncio
import json
import os
import socket
from base64 import b64encode
from itertools import product
from pathlib import Path
from typing import Any

import uvicorn
import yaml

from exporter.auth.kubeconfig_access import KubeconfigAccess
from exporter.files import at_once
from tests.auth.kubernetes.test_kubeconfig import config
from tests.operator_situations import DEPLOYMENTS
from tests.simulator.test_kubernetes import Simulated
from tests.virtual_time import run

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".venv-oracle" / "bin" / "python"
SCRIPT = ROOT / "tests" / "oracle" / "kubernetes_client.py"


async def ask(*cases: dict[str, Any]) -> list[Any]:
    """Return what the client makes of some cases."""
    process = await asyncio.create_subprocess_exec(
        INTERPRETER,
        SCRIPT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    given = "".join(f"{json.dumps(case)}\n" for case in cases).encode()
    said, _ = await process.communicate(given)
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


def ours(files: list[str], context: str) -> dict[str, Any]:
    """Return what we make of some files, in the client's words."""
    paths = tuple(Path(each) for each in files)
    access = run(KubeconfigAccess(paths, context, aside=at_once).access())
    connection = access.connection

    def text(content: bytes | None) -> str | None:
        return None if content is None else content.decode()

    return {
        "server": connection.server,
        "authorization": access.authorization,
        "authority": text(connection.authority),
        "certificate": text(connection.certificate),
        "key": text(connection.key),
        "verify": connection.verify,
        "server_name": connection.server_name,
        "proxy_url": connection.proxy_url,
    }


def _data(text: str) -> str:
    return b64encode(text.encode()).decode()


USERS: tuple[dict[str, Any], ...] = (
    {"token": "a-token"},
    {"tokenFile": "token"},
    # Beyond ASCII this client writes Latin-1, where kubectl writes UTF-8.
    {"username": "u", "password": "password:"},
    {"client-certificate": "crt", "client-key": "key"},
    {"client-certificate-data": _data("inline crt"), "client-key-data": _data("inline key")},
    {"client-certificate": "crt", "client-key-data": _data("inline key"), "token": "both"},
    {"client-certificate": "none", "client-certificate-data": _data("wins"), "client-key": "key"},
    {},
)
CLUSTERS: tuple[dict[str, Any], ...] = (
    {"server": "https://10.0.0.1:6443"},
    {"server": "https://a.example.org/k8s/clusters/c-1/", "certificate-authority": "ca"},
    {"server": "https://a", "certificate-authority-data": _data("inline ca")},
    {"server": "https://a", "tls-server-name": "kubernetes", "proxy-url": "http://proxy:3128"},
    {"server": "https://a", "insecure-skip-tls-verify": True},
)


def test_every_way_to_log_in_is_understood_the_same(tmp_path: Path) -> None:
    for name in ("token", "crt", "key", "ca"):
        (tmp_path / name).write_text(f"content-of-{name}")
    cases: list[dict[str, Any]] = []
    for number, (user, cluster) in enumerate(product(USERS, CLUSTERS)):
        path = tmp_path / f"config-{number}"
        path.write_text(yaml.safe_dump(config(user, cluster)))
        cases.append({"work": "load", "files": [str(path)], "context": ""})
    theirs = asyncio.run(ask(*cases))
    assert [ours(case["files"], "") for case in cases] == theirs


def test_several_files_are_merged_the_same(tmp_path: Path) -> None:
    for folder in ("one", "two", "three"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "token").write_text(f"token-of-{folder}")
        (tmp_path / folder / "ca").write_text(f"authority-of-{folder}")
    cluster = {"server": "https://a", "certificate-authority": "ca"}
    first = config({"tokenFile": "token"}, cluster, name="a")
    second = config({"tokenFile": "token"}, cluster, name="b")
    third = config({"token": "never"}, {"server": "https://never"}, name="a")
    third["users"] += config({"token": "only-here"}, name="c")["users"]
    context = {"name": "mixed", "context": {"cluster": "c-b", "user": "u-c"}}
    third["contexts"].append(context)
    files = []
    for folder, document in zip(("one", "two", "three"), (first, second, third), strict=True):
        path = tmp_path / folder / "config"
        path.write_text(yaml.safe_dump(document))
        files.append(str(path))
    cases: list[dict[str, Any]] = [
        {"work": "load", "files": list(order), "context": context}
        for order in (files, files[::-1], [*files[1:], files[0]])
        # The current context is that of the first file; this client takes that of the last one.
        for context in ("a", "b", "mixed")
    ]
    theirs = asyncio.run(ask(*cases))
    assert [ours(case["files"], case["context"]) for case in cases] == theirs


def test_simulated_api_server_is_read_page_by_page() -> None:
    simulated = Simulated()
    for number in range(7):
        body = {"metadata": {"namespace": "streams", "name": f"job{number}"}, "spec": {}}
        simulated.cluster.put(DEPLOYMENTS, body)

    async def serve() -> list[Any]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(simulated.app, log_level="critical"))
            serving = asyncio.create_task(server.serve([listener]))
            port = listener.getsockname()[1]
            case = {"host": f"http://127.0.0.1:{port}", "namespace": "streams", "limit": 3}
            answers = await ask(
                {**case, "work": "list", "token": "reader"},
                {**case, "work": "list", "token": "reader", "namespace": "risk"},
                {**case, "work": "refused", "token": "nobody"},
                {**case, "work": "refused", "token": "reader", "namespace": "other"},
            )
            server.should_exit = True
            await serving
            return answers

    everything = ["alpha", "beta", "gamma", *(f"job{number}" for number in range(7))]
    assert asyncio.run(serve()) == [
        everything,
        [],
        {"status": 401, "reason": "Unauthorized"},
        {"status": 403, "reason": "Forbidden"},
    ]
