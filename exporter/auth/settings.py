"""Declare what the `auth` section of a source may hold, per vendor."""

from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from exporter.settings import Endpoint, ExistingFile, SecretFile, SecretText, Section


class IamSettings(Section):
    """User name and password for Huawei Cloud IAM.

    Without `endpoint` the IAM of the source's region, if the source is at a public endpoint of it;
    without `project_name` its project.
    """

    endpoint: Endpoint | None = None
    username: str = Field(min_length=1)
    password: SecretText = None
    password_file: SecretFile = None
    domain: str = Field(min_length=1)
    project_name: str = ""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.needs("password")
        return self


class HuaweiAuthSettings(Section):
    """Either an access key or an IAM login."""

    access_key: SecretText = None
    access_key_file: SecretFile = None
    secret_key: SecretText = None
    secret_key_file: SecretFile = None
    security_token: SecretText = None
    security_token_file: SecretFile = None
    iam: IamSettings | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        keys = [self.secret(name) for name in ("access_key", "secret_key", "security_token")]
        given = any(key is not None for key in keys)
        if given == (self.iam is not None):
            raise PydanticCustomError("auth", "give either access_key and secret_key, or iam")
        if given:
            self.needs("access_key", "secret_key")
        return self


class AlibabaAuthSettings(Section):
    """An access key, temporary when a security token is given."""

    access_key_id: SecretText = None
    access_key_id_file: SecretFile = None
    access_key_secret: SecretText = None
    access_key_secret_file: SecretFile = None
    security_token: SecretText = None
    security_token_file: SecretFile = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.needs("access_key_id", "access_key_secret")
        return self


class BasicSettings(Section):
    """User name and password of the proxy before Flink."""

    username: str = Field(min_length=1)
    password: SecretText = None
    password_file: SecretFile = None

    @field_validator("username")
    @classmethod
    def _has_no_colon(cls, value: str) -> str:
        # RFC 7617: the first colon ends the user name.
        if ":" in value:
            raise PydanticCustomError("username", "a user name cannot hold a colon")
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.needs("password")
        return self


class BearerSettings(Section):
    """The token that the proxy before Flink asks for."""

    token: SecretText = None
    token_file: SecretFile = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.needs("token")
        return self


class FlinkAuthSettings(Section):
    """How to pass the proxy before Flink: `basic` or `bearer`."""

    basic: BasicSettings | None = None
    bearer: BearerSettings | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.basic is None) == (self.bearer is None):
            raise PydanticCustomError("auth", "give either basic or bearer")
        return self


class KubeconfigSettings(Section):
    """Which kubeconfig, and which context of it.

    Without `file` those that KUBECONFIG lists, or `~/.kube/config`; without `context` the current
    one.
    """

    file: ExistingFile | None = None
    context: str = ""


class KubernetesAuthSettings(Section):
    """Who asks the Kubernetes API: a token, a user of the proxy before it, or a kubeconfig."""

    bearer: BearerSettings | None = None
    basic: BasicSettings | None = None
    kubeconfig: KubeconfigSettings | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.bearer, self.basic, self.kubeconfig)) != 1:
            raise PydanticCustomError("auth", "give one of bearer, basic and kubeconfig")
        return self
