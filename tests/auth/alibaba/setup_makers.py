"""Make what users set up to be somebody at Alibaba Cloud: variables, files, the keys in them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.simulator.alibaba.oidc import AUDIENCE
from tests.auth.alibaba.simulated_cloud import (
    POD,
    SimulatedCloud,
    role,
)

_PRE = "ALIBABA_CLOUD_"
_INI = ".alibabacloud/credentials.ini"
_CLI = ".aliyun/config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a set-up is made in: a home, and the cloud that gives out what is put there."""

    home: Path
    cloud: SimulatedCloud

    def token(self, subject: str = POD, **options: Any) -> str:
        """Put a token of a pod into a file, and return its name."""
        text = self.cloud.issuer.token(
            subject, now=options.pop("at", self.cloud.clock()), **options
        )
        return self.write("token", text)

    def write(self, name: str, text: str) -> str:
        """Write a file below the home, and return its name."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return str(path)

    def issued(self, principal: str, seconds: float = 3600) -> dict[str, Any]:
        """Return temporary keys as a profile holds them."""
        expires_at = int(self.cloud.clock() + seconds)
        key = self.cloud.access.issue(expires_at=expires_at, principal=principal)
        return {
            "access_key_id": key.key_id,
            "access_key_secret": key.secret,
            "sts_token": key.security_token,
            "sts_expiration": expires_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One set-up; `make` writes its files, and returns the variables of the environment."""

    name: str
    make: Callable[[World], Mapping[str, str]]
    asks_as: str = ""
    sentence: str = ""
    """The end of what is said instead; `~` stands for the home."""
    vendor: str = ""
    why: str = ""
    sts: tuple[str, ...] = field(default=())
    """The hosts of STS that are asked."""


def environment(**variables: str) -> Callable[[World], Mapping[str, str]]:
    return lambda world: {_PRE + name: value for name, value in variables.items()}


def pod(
    subject: str = POD, *, ago: float = 0.0, audience: str = AUDIENCE, **variables: str
) -> Callable[[World], Mapping[str, str]]:
    def make(world: World) -> Mapping[str, str]:
        token = world.token(subject, at=world.cloud.clock() - ago, audience=audience)
        given = {
            "ROLE_ARN": role("watcher"),
            "OIDC_PROVIDER_ARN": world.cloud.issuer.provider_arn,
            "OIDC_TOKEN_FILE": token,
            **variables,
        }
        return {_PRE + name: value for name, value in given.items() if value}

    return make


def command(
    *profiles: Mapping[str, Any], issued: str = "", seconds: float = 3600, **variables: str
) -> Callable[[World], Mapping[str, str]]:
    def make(world: World) -> Mapping[str, str]:
        held = world.issued(issued, seconds) if issued else {}
        now = int(world.cloud.clock())
        written = []
        for profile in profiles:
            fields = {"name": "default", **profile, **held}
            for name, value in fields.items():
                if name.endswith("_expire"):
                    fields[name] = now + value
            if fields.get("oidc_token_file") == "":
                fields["oidc_token_file"] = world.token()
                fields["oidc_provider_arn"] = world.cloud.issuer.provider_arn
            written.append(fields)
        world.write(_CLI, json.dumps({"current": "default", "profiles": written}))
        return {_PRE + name: value for name, value in variables.items()}

    return make


def ini(
    *lines: str, section: str = "default", file: str = _INI, token: bool = False, **variables: str
) -> Callable[[World], Mapping[str, str]]:
    def make(world: World) -> Mapping[str, str]:
        more = []
        if token:
            more = [
                f"oidc_provider_arn = {world.cloud.issuer.provider_arn}",
                f"oidc_token_file_path = {world.token()}",
            ]
        path = world.write(file, "\n".join([f"[{section}]", *lines, *more, ""]))
        named = {"CREDENTIALS_FILE": path} if file != _INI else {}
        return {_PRE + name: value for name, value in {**named, **variables}.items()}

    return make
