"""Declare what the `auth` section of a source at Tencent Cloud may hold."""

from typing import Annotated, Self

from pydantic import AfterValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.auth.tencent.roles import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SESSION_NAME,
    SESSION_PATTERN,
    SHORTEST_SECONDS,
    Role,
    is_role_arn,
)
from exporter.settings import PositiveDuration, SecretFile, SecretText, Section, expecting


def _role_arn(text: str) -> str:
    if not is_role_arn(text):
        raise PydanticCustomError("role_arn", "expected qcs::cam::uin/<account>:roleName/<name>")
    return text


def _session_seconds(seconds: float) -> float:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise PydanticCustomError("duration", "expected a duration from 15m to 12h")
    return seconds


class AssumeCamRoleSettings(Section):
    """A CAM role to assume, of this account or another; its keys live for `duration` seconds."""

    role_arn: Annotated[str, AfterValidator(_role_arn)]
    external_id: SecretText = None
    external_id_file: SecretFile = None
    session_name: Annotated[
        str,
        StringConstraints(pattern=SESSION_PATTERN),
        expecting("2 to 128 letters, digits or characters out of _+=,.@-"),
    ] = SESSION_NAME
    duration: Annotated[PositiveDuration, AfterValidator(_session_seconds)] = float(DEFAULT_SECONDS)

    def role(self) -> Role:
        """Return the role that is meant."""
        return Role(
            arn=self.role_arn,
            session_name=self.session_name,
            external_id=self.secret("external_id"),
            seconds=int(self.duration),
        )


class TencentAuthSettings(Section):
    """A key of Tencent Cloud, temporary when a token is given, and a role to assume with it.

    Without a key one is looked for where the vendor's SDKs look.
    """

    secret_id: SecretText = None
    secret_id_file: SecretFile = None
    secret_key: SecretText = None
    secret_key_file: SecretFile = None
    token: SecretText = None
    token_file: SecretFile = None
    assume_role: AssumeCamRoleSettings | None = None

    @property
    def has_a_key(self) -> bool:
        """Say whether a key is given, or a part of one."""
        names = ("secret_id", "secret_key", "token")
        return any(self.secret(name) is not None for name in names)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.has_a_key or self.assume_role is None:
            self.needs("secret_id", "secret_key")
        return self
