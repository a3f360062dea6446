"""Whatever is set up ends in the right key, or in a sentence that names what is wrong with it."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from exporter.auth.credentials import CredentialProvider, Credentials
from exporter.auth.huawei.chain import huawei_chain
from exporter.errors import ExporterError
from exporter.files import at_once
from tests.auth.huawei.account import KUBELET, POD, PROVIDER, Account
from tests.auth.huawei.setups import NOBODY, SETUPS, Setup
from tests.auth.tools import MARK, everything_told

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".venv-oracle" / "bin" / "python"
SCRIPT = ROOT / "tests" / "oracle" / "huawei_credentials.py"


def prepare(setup: Setup, home: Path, address: str) -> dict[str, str]:
    """Write the files of a set-up; return its environment."""
    now = time.time()
    words = {
        "{home}": str(home),
        "{address}": address,
        "{id_token}": PROVIDER.issue("somebody", now=now),
    }

    def told(text: str) -> str:
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return text

    home.mkdir()
    (home / "id-token").write_text(words["{id_token}"] + "\n")
    (home / "pod-token").write_text(KUBELET.issue(POD, now=now))
    (home / "empty").write_text("")
    if setup.profile:
        (home / ".huaweicloud").mkdir()
        (home / ".huaweicloud" / "credentials").write_text(told(setup.profile))
    services = {
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": address,
        "HUAWEICLOUD_SDK_STS_ENDPOINT": address,
        "HOME": str(home),
    }
    return services | {name: told(value) for name, value in setup.environ.items()}


def ours(account: Account, environ: Mapping[str, str], address: str) -> CredentialProvider:
    async def send(
        request: httpx.Request, operation: str, *, direct: bool = False
    ) -> httpx.Response:
        response = await account.transport().handle_async_request(request)
        await response.aread()
        return response

    return huawei_chain(
        environ=environ,
        home=Path(environ["HOME"]),
        send=send,
        clock=account.clock,
        metadata_url=address,
        aside=at_once,
    )


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_setup_ends_in_the_right_key_or_names_what_is_wrong(setup: Setup, tmp_path: Path) -> None:
    address = "http://127.0.0.1:1"
    environ = prepare(setup, tmp_path / "home", address)
    account = Account(clock=time.time, machine=setup.machine)
    chain = ours(account, environ, address)
    if setup.expected:
        assert account.holder(asyncio.run(chain.credentials())) == setup.expected
        return
    with pytest.raises(ExporterError) as caught:
        asyncio.run(chain.credentials())
    assert setup.problem.replace("{home}", str(tmp_path / "home")) in str(caught.value)
    told = everything_told(caught.value)
    assert MARK not in told
    assert PROVIDER.issue("somebody", now=time.time()).partition(".")[0] not in told


async def served(account: Account, listener: socket.socket) -> tuple[uvicorn.Server, Any]:
    settings = uvicorn.Config(account.app, log_level="critical", lifespan="off")
    server = uvicorn.Server(settings)
    return server, asyncio.create_task(server.serve([listener]))


def test_table_of_setups_says_what_the_vendors_library_does(tmp_path: Path) -> None:
    """It signs as the same one, or as another where a row says so: by halves, or in a pod."""

    async def main() -> list[dict[str, str]]:
        cases, servers = [], []
        for number, setup in enumerate(SETUPS):
            listener = socket.create_server(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            accounts.append(Account(clock=time.time, machine=setup.machine))
            servers.append(await served(accounts[-1], listener))
            environ = prepare(setup, tmp_path / str(number), address)
            cases.append(json.dumps({"environ": environ, "metadata": address}))
        process = await asyncio.create_subprocess_exec(
            INTERPRETER,
            SCRIPT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        said, _ = await process.communicate("\n".join(cases).encode())
        assert process.returncode == 0
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in servers))
        return [json.loads(line) for line in said.splitlines()]

    accounts: list[Account] = []
    found = [
        account.holder(Credentials(each["key"], each["secret"], each["token"]))
        if "key" in each
        else NOBODY
        for account, each in zip(accounts, asyncio.run(main()), strict=True)
    ]
    expected = {setup.name: setup.sdk or setup.expected for setup in SETUPS}
    assert dict(zip(expected, found, strict=True)) == expected


def test_setups_are_many_and_each_has_an_end() -> None:
    assert len(SETUPS) >= 40
    assert all(bool(setup.expected) != bool(setup.problem) for setup in SETUPS)
