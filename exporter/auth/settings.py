"""Declare what the `auth` section of a source may hold, per vendor."""

from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from exporter.auth.alibaba.sts import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    SESSION_NAME,
    SHORTEST_SECONDS,
    is_role_arn,
)
from exporter.settings import (
    Endpoint,
    ExistingFile,
    PositiveDuration,
    SecretFile,
    SecretText,
    Section,
    expecting,
)


def _role_arn(text: str) -> str:
    if not is_role_arn(text):
        raise PydanticCustomError("role_arn", "expected acs:ram::<account>:role/<name>")
    return text


def _session_seconds(seconds: float) -> float:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise PydanticCustomError("duration", "expected a duration from 15m to 12h")
    return seconds


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


AgencyName = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{1,128}$"),
    expecting("up to 128 printable ASCII characters without blanks"),
]
AccountId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
    expecting("the id of an account: up to 64 letters, digits, dashes or underscores"),
]
ExternalId = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{2,1224}$"),
    expecting("2 to 1224 printable ASCII characters without blanks"),
]
SessionName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_=,.@-]{2,64}$"),
    expecting("2 to 64 letters, digits or characters out of _=,.@-"),
]


class AgencySettings(Section):
    """An agency of Huawei Cloud to assume, by the name of its account or by its id.

    With `domain_id` STS is asked, with `domain` IAM, whose address is `endpoint`; without it that
    of the source's region, if the source is at a public endpoint of it.
    """

    agency: AgencyName
    domain: str = ""
    domain_id: AccountId | None = None
    external_id: ExternalId | None = None
    session_name: SessionName | None = None
    endpoint: Endpoint | None = None

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        if bool(self.domain) == bool(self.domain_id):
            raise PydanticCustomError("agency", "give either domain or domain_id")
        return self

    @model_validator(mode="after")
    def _tells_sts_only_what_sts_takes(self) -> Self:
        for name in ("external_id", "session_name"):
            if self.domain_id is None and getattr(self, name) is not None:
                raise PydanticCustomError(
                    "agency", "{name} is for STS, which needs domain_id", {"name": name}
                )
        return self


class HuaweiAuthSettings(Section):
    """An access key or an IAM login, or whatever the machine has; then an agency to assume."""

    access_key: SecretText = None
    access_key_file: SecretFile = None
    secret_key: SecretText = None
    secret_key_file: SecretFile = None
    security_token: SecretText = None
    security_token_file: SecretFile = None
    iam: IamSettings | None = None
    assume_agency: AgencySettings | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        keys = [self.secret(name) for name in ("access_key", "secret_key", "security_token")]
        given = any(key is not None for key in keys)
        both = given and self.iam is not None
        if both or not (given or self.iam or self.assume_agency):
            raise PydanticCustomError("auth", "give either access_key and secret_key, or iam")
        if given:
            self.needs("access_key", "secret_key")
        return self

    @model_validator(mode="after")
    def _agency_is_of_the_same_iam(self) -> Self:
        agency = self.assume_agency
        if self.iam is None or agency is None:
            return self
        for name in ("endpoint", "external_id", "session_name"):
            if getattr(agency, name) is not None:
                raise PydanticCustomError(
                    "agency",
                    "assume_agency.{name} is not for iam, which trades its token where it got it",
                    {"name": name},
                )
        return self

    @property
    def names_key(self) -> bool:
        """Say whether an access key is given here."""
        return self.secret("access_key") is not None


class AssumeRoleSettings(Section):
    """A RAM role to assume, of this account or another; its keys live for `duration` seconds."""

    role_arn: Annotated[str, AfterValidator(_role_arn)]
    external_id: SecretText = None
    external_id_file: SecretFile = None
    session_name: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9.@=_-]{2,64}$"),
        expecting("2 to 64 letters, digits or characters out of .@=_-"),
    ] = SESSION_NAME
    duration: Annotated[PositiveDuration, AfterValidator(_session_seconds)] = float(DEFAULT_SECONDS)


def _in_a_chain(value: object) -> object:
    return (value,) if isinstance(value, dict | AssumeRoleSettings) else value


class AlibabaAuthSettings(Section):
    """An access key, temporary when a security token is given, and the roles it assumes in turn.

    Without a key one is looked for where the vendor's SDKs look.
    """

    access_key_id: SecretText = None
    access_key_id_file: SecretFile = None
    access_key_secret: SecretText = None
    access_key_secret_file: SecretFile = None
    security_token: SecretText = None
    security_token_file: SecretFile = None
    assume_role: Annotated[
        tuple[AssumeRoleSettings, ...],
        BeforeValidator(_in_a_chain),
        Field(max_length=5, json_schema_extra={"x-kind": "one or several"}),
    ] = ()
    sts_endpoint: Endpoint | None = None

    @property
    def has_a_key(self) -> bool:
        """Say whether a key is given, or a part of one."""
        names = ("access_key_id", "access_key_secret", "security_token")
        return any(self.secret(name) is not None for name in names)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.has_a_key or not (self.assume_role or self.sts_endpoint):
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
