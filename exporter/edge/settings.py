"""Say what the `edge:` block of the configuration may hold."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from exporter.attention_settings import AttentionSettings
from exporter.settings import (
    Duration,
    PositiveDuration,
    SecretFile,
    SecretText,
    Section,
    written_as,
)
from exporter.source import Labels

SOURCE = "edge"
"""The `source` label of all edge jobs; no polled source may have this name."""
_MOST_PROJECTS = 1000
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = re.compile(r"(\d{1,12})\s*(KiB|MiB|GiB|)")


def _size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("size", "expected a size such as 1MiB, 512KiB or 1048576")
    return int(match[1]) * _UNITS[match[2]]


def _database(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or str(value) == "":
        raise PydanticCustomError("file", "expected the name of a file")
    try:
        path = Path((info.context or {}).get("directory", Path())) / Path(value).expanduser()
        usable = path.parent.is_dir() and not path.is_dir()
    except (OSError, RuntimeError, ValueError):
        raise PydanticCustomError("file", "not the name of a file") from None
    if not usable:
        message = "not a file in an existing directory: {path}"
        raise PydanticCustomError("file", message, {"path": str(path)})
    return path


def _project_id(text: str) -> str:
    if not _PROJECT_ID.fullmatch(text):
        raise PydanticCustomError(
            "project_id", "expected up to 64 letters, digits, dashes or underscores"
        )
    return text


def _projects(value: dict[str, "ProjectSettings"]) -> dict[str, "ProjectSettings"]:
    if not 1 <= len(value) <= _MOST_PROJECTS:
        message = "expected 1 to {most} projects"
        raise PydanticCustomError("projects", message, {"most": _MOST_PROJECTS})
    return value


Size = Annotated[int, BeforeValidator(_size), written_as("size")]
ProjectId = Annotated[str, AfterValidator(_project_id)]


class ProjectSettings(Section):
    """One project whose agents may report; of several lines in a file each is a token."""

    token: SecretText = Field(default=None, repr=False)
    token_file: SecretFile = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        self.needs("token")
        return self


class RelaySettings(Section):
    """Where reports are passed on to: DLI, under the credentials of a configured source."""

    source: str


class EdgeSettings(Section):
    """What the receiver of edge reports is told."""

    database: Annotated[Path, BeforeValidator(_database)]
    projects: Annotated[dict[ProjectId, ProjectSettings], AfterValidator(_projects)]
    expire_after: PositiveDuration = 600.0
    ended_retention: Duration = 86400.0
    state_series: Literal["all", "current"] = "all"
    labels: Labels = Field(default_factory=dict)
    attention: AttentionSettings = AttentionSettings()
    max_body: Annotated[Size, Field(ge=1024, le=64 * 1024**2)] = 1024**2
    rate_limit: Annotated[float, Field(gt=0, le=1_000_000)] = 1000.0
    """Reports per second of each project."""
    max_jobs: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Jobs of each project."""
    retention: PositiveDuration = 86400.0
    max_size: Annotated[Size, Field(ge=1024**2)] = 256 * 1024**2
    relay: RelaySettings | None = None

    @cached_property
    def label_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the configured labels in a fixed order."""
        return tuple(sorted(self.labels.items()))
