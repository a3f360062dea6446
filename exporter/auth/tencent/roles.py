"""Say which CAM role is to be assumed: what STS is told of it, and what the environment names.

Vendor page: "AssumeRole" of STS 2018-08-13. The variables are those of the vendor's Terraform
provider, since its SDKs read none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.auth.assumed_role import margin_of
from exporter.errors import UnusableError
from exporter.secret import Secret, TextSecret

SESSION_NAME = "streaming-job-exporter"
SESSION_PATTERN = r"^[A-Za-z0-9_+=,.@-]{2,128}$"
DEFAULT_SECONDS = 7200
SHORTEST_SECONDS = 900
LONGEST_SECONDS = 43200
"""STS gives out nothing longer; what is shorter than the first of the three is of no use here."""

_ROLE_ARN = re.compile(
    r"qcs::cam::uin/\d{1,32}:"
    r"(?:roleName/|role/(?:tencentcloudServiceRole(?:Name)?/)?)[\w+=,.@-]{1,128}",
    re.ASCII,
)
_PREFIX = "TENCENTCLOUD_ASSUME_ROLE_"
_UNSUPPORTED = (
    *("WEB_IDENTITY_TOKEN", "WEB_IDENTITY_TOKEN_FILE", "PROVIDER_ID"),
    *("SAML_ASSERTION", "PRINCIPAL_ARN", "SERIAL_NUMBER", "TOKEN_CODE"),
)
"""Other ways to get a role: by the token of somebody else, or with a code that a person types."""


def is_role_arn(text: str) -> bool:
    """Say whether a text names a CAM role: `qcs::cam::uin/<account>:roleName/<name>`."""
    return _ROLE_ARN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume; `seconds` is how long its keys are to live."""

    arn: str
    session_name: str = SESSION_NAME
    external_id: Secret | None = field(default=None, repr=False)
    seconds: int = DEFAULT_SECONDS

    @property
    def margin(self) -> float:
        """Return how many seconds before their end its keys are renewed."""
        return margin_of(self.seconds)

    def parameters(self) -> dict[str, object]:
        """Return what STS is told of it."""
        told: dict[str, object] = {
            "RoleArn": self.arn,
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.seconds,
        }
        if self.external_id is not None:
            told["ExternalId"] = self.external_id.reveal()
        return told


def role_of_environment(environ: Mapping[str, str]) -> Role | None:
    """Return the role that the environment names, None where it names none.

    Raises UnusableError naming the variable that cannot be used.
    """
    for name in _UNSUPPORTED:
        if environ.get(_PREFIX + name):
            raise UnusableError(f"environment: {_PREFIX}{name} is set, but not supported")
    # A key beside it is that of whoever may assume the role, not of the role.
    arn, session_name, external_id, seconds = (
        environ.get(_PREFIX + name, "")
        for name in ("ARN", "SESSION_NAME", "EXTERNAL_ID", "SESSION_DURATION")
    )
    if not arn:
        return None
    if not is_role_arn(arn):
        raise _unusable("ARN", "no qcs::cam::uin/<account>:roleName/<name>")
    if session_name and not re.fullmatch(SESSION_PATTERN, session_name):
        raise _unusable("SESSION_NAME", "no name of a session")
    if seconds and not (re.fullmatch(r"[0-9]{1,6}", seconds) and _is_allowed(int(seconds))):
        raise _unusable(
            "SESSION_DURATION", f"no number of seconds from {SHORTEST_SECONDS} to {LONGEST_SECONDS}"
        )
    return Role(
        arn=arn,
        session_name=session_name or SESSION_NAME,
        external_id=TextSecret(external_id) if external_id else None,
        seconds=int(seconds) if seconds else DEFAULT_SECONDS,
    )


def _is_allowed(seconds: int) -> bool:
    return SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS


def _unusable(name: str, problem: str) -> UnusableError:
    return UnusableError(f"environment: {_PREFIX}{name} is {problem}")
