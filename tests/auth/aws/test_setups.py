"""What files and variables hold is the identity that botocore makes of it, set-up by set-up."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from exporter.auth.aws.chain import Identities
from exporter.errors import ExporterError
from exporter.files import at_once
from tests.auth.aws.test_oracle import AMAZONS
from tests.auth.test_oracle import ask
from tests.auth.tools import Clock


def keys(name: str, *more: str) -> str:
    lines = (f"aws_access_key_id = {name}", f"aws_secret_access_key = {name.lower()}", *more)
    return "\n".join((*lines, ""))


def role(name: str, *more: str) -> str:
    return "\n".join((f"role_arn = arn:aws:iam::111111111111:role/{name}", *more, ""))


SETUPS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "keys": ({"credentials": f"[default]\n{keys('A')}"}, {}),
    "keys in config": ({"config": f"[default]\n{keys('A', 'aws_session_token = t')}"}, {}),
    "keys in both files": (
        {"credentials": f"[default]\n{keys('A')}", "config": f"[default]\n{keys('B')}"},
        {},
    ),
    "keys in both files, a token in config": (
        {
            "credentials": f"[default]\n{keys('A')}",
            "config": f"[default]\n{keys('B', 'aws_session_token = b')}",
        },
        {},
    ),
    "a token alone in config": (
        {"credentials": f"[default]\n{keys('A')}", "config": "[default]\naws_session_token = b\n"},
        {},
    ),
    "half a key in each file": (
        {
            "credentials": "[default]\naws_access_key_id = A\n",
            "config": "[default]\naws_secret_access_key = b\n",
        },
        {},
    ),
    "half a key, a whole one in config": (
        {"credentials": "[default]\naws_access_key_id = A\n", "config": f"[default]\n{keys('B')}"},
        {},
    ),
    "older name of the token": (
        {"credentials": f"[default]\n{keys('A', 'aws_security_token = old')}"},
        {},
    ),
    "older name of the token in config": (
        {"config": f"[default]\n{keys('A', 'aws_security_token = old')}"},
        {},
    ),
    "both names of the token": (
        {"config": f"[default]\n{keys('A', 'aws_session_token = n', 'aws_security_token = o')}"},
        {},
    ),
    "both names of the token in the environment": (
        {},
        {
            "AWS_ACCESS_KEY_ID": "E",
            "AWS_SECRET_ACCESS_KEY": "e",
            "AWS_SESSION_TOKEN": "new",
            "AWS_SECURITY_TOKEN": "old",
        },
    ),
    "both names of the profile": (
        {"credentials": f"[a]\n{keys('A')}[b]\n{keys('B')}"},
        {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"},
    ),
    "one name of the profile": (
        {"credentials": f"[a]\n{keys('A')}[default]\n{keys('B')}"},
        {"AWS_PROFILE": "a"},
    ),
    "base with keys and a role of its own": (
        {
            "config": f"[profile main]\n{role('R1', 'source_profile = base')}",
            "credentials": f"[base]\n{keys('BASE')}{role('R2', 'source_profile = root')}"
            f"[root]\n{keys('ROOT')}",
        },
        {"AWS_PROFILE": "main"},
    ),
    "base with a role of its own": (
        {
            "config": f"[profile main]\n{role('R1', 'source_profile = base')}"
            f"[profile base]\n{role('R2', 'source_profile = root')}",
            "credentials": f"[root]\n{keys('ROOT')}",
        },
        {"AWS_PROFILE": "main"},
    ),
    "base with half a key and a role of its own": (
        {
            "config": f"[profile main]\n{role('R1', 'source_profile = base')}",
            "credentials": "[base]\naws_access_key_id = HALF\n"
            f"{role('R2', 'source_profile = root')}[root]\n{keys('ROOT')}",
        },
        {"AWS_PROFILE": "main"},
    ),
    "base that is the profile itself, its keys in the other file": (
        {
            "config": f"[default]\n{role('R1', 'source_profile = default')}",
            "credentials": f"[default]\n{keys('A')}",
        },
        {},
    ),
    "keys and a role with a base": (
        {
            "config": f"[default]\n{role('R1', 'source_profile = base')}",
            "credentials": f"[default]\n{keys('A')}[base]\n{keys('BASE')}",
        },
        {},
    ),
    "keys before a program": (
        {
            "credentials": f"[default]\n{keys('A')}",
            "config": "[default]\ncredential_process = /bin/false\n",
        },
        {},
    ),
    "a program before keys": (
        {"config": f"[default]\n{keys('A')}credential_process = /bin/false\n"},
        {},
    ),
    "single sign-on before keys": (
        {
            "credentials": f"[default]\n{keys('A')}",
            "config": "[default]\nsso_start_url = https://x\nsso_account_id = 1\n"
            "sso_role_name = r\nsso_region = eu-west-1\n",
        },
        {},
    ),
    "file by its name from home": (
        {"mine": f"[default]\n{keys('A')}"},
        {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/mine"},
    ),
    "secret with a hash": (
        {"credentials": "[default]\naws_access_key_id = A\naws_secret_access_key = s #c\n"},
        {},
    ),
    "defaults of all sections": (
        {"credentials": f"[DEFAULT]\naws_session_token = t\n[default]\n{keys('A')}"},
        {},
    ),
    "no such profile": ({"credentials": f"[default]\n{keys('A')}"}, {"AWS_PROFILE": "b"}),
}


@pytest.fixture(scope="module")
def botocore(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    cases = [{"files": files, "environ": environ} for files, environ in SETUPS.values()]
    answers = ask("aws_profiles.py", cases, tmp_path_factory.mktemp("home"), AMAZONS)
    return dict(zip(SETUPS, answers, strict=True))


@pytest.mark.parametrize("name", SETUPS)
def test_identity_is_that_of_botocore(name: str, botocore: dict[str, Any], tmp_path: Path) -> None:
    files, environ = SETUPS[name]
    (tmp_path / ".aws").mkdir()
    for file, text in files.items():
        (tmp_path / ".aws" / file).write_text(text)
    assumed: list[Any] = []

    async def send(
        request: httpx.Request, operation: str, *, auth: httpx.Auth | None = None, **_: Any
    ) -> httpx.Response:
        assert auth is not None
        signed = await anext(auth.async_auth_flow(request))
        (key,) = re.findall("Credential=([^/]+)", signed.headers["authorization"])
        (wanted,) = re.findall(r"role%2F(\w+)", request.content.decode())
        assumed.append(f"{key} -> {wanted}")
        fields = {
            "AccessKeyId": f"of{wanted}",
            "SecretAccessKey": "s",
            "SessionToken": "t",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        inner = "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items())
        body = f"<AssumeRoleResponse>{inner}</AssumeRoleResponse>"
        return httpx.Response(200, text=body, request=request)

    identities = Identities(
        environ={**environ, "AWS_EC2_METADATA_DISABLED": "true"},
        home=tmp_path,
        region="eu-west-1",
        sts_endpoint="https://sts.test",
        send=send,
        aside=at_once,
        clock=Clock(),
    )

    async def found() -> Any:
        try:
            one = await identities.of(None).credentials()
        except ExporterError:
            return "refused"
        return [one.access_key, one.secret_key, one.security_token]

    identity = asyncio.run(found())
    assert [*assumed, identity] == botocore[name]
