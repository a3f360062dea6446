"""Declare what the `auth` section of a source at Amazon Web Services may hold."""

import re
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from exporter.settings import SecretFile, SecretText, Section, expecting

SESSION_NAME = "streaming-job-exporter"

RoleArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:[a-z0-9-]{1,32}:iam::\d{12}:role/[!-~]{1,576}$"),
    expecting("arn:aws:iam::<account>:role/<name>"),
]
ExternalId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$"),
    expecting("2 to 1224 letters, digits or characters out of _+=,.@:/-"),
]
SessionName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{2,64}$"),
    expecting("2 to 64 letters, digits or characters out of _+=,.@-"),
]


class AwsAuthSettings(Section):
    """Who asks: an access key, a profile, or whatever the usual places hold; and a role to assume.

    Without a key and a profile the usual places are looked at, as they are without `auth`.
    """

    access_key_id: SecretText = None
    access_key_id_file: SecretFile = None
    secret_access_key: SecretText = None
    secret_access_key_file: SecretFile = None
    session_token: SecretText = None
    session_token_file: SecretFile = None
    profile: Annotated[str, StringConstraints(min_length=1)] | None = None
    role_arn: RoleArn | None = None
    external_id: ExternalId | None = Field(default=None, repr=False)
    role_session_name: SessionName = SESSION_NAME

    @property
    def has_key(self) -> bool:
        """Say whether any part of an access key is given."""
        names = ("access_key_id", "secret_access_key", "session_token")
        return any(self.secret(name) is not None for name in names)

    @model_validator(mode="after")
    def _is_one_identity(self) -> Self:
        if self.has_key:
            self.needs("access_key_id", "secret_access_key")
            if self.profile is not None:
                raise PydanticCustomError("auth", "give either access_key_id or profile")
        elif self.profile is None and self.role_arn is None:
            raise PydanticCustomError(
                "auth", "give access_key_id and secret_access_key, profile or role_arn"
            )
        if self.external_id is not None and self.role_arn is None:
            raise PydanticCustomError("auth", "external_id goes with role_arn")
        return self


def is_session_name(text: str) -> bool:
    """Say whether a text can name the session of a role."""
    return re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", text) is not None
