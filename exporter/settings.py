"""Build configuration sections: strict keys, durations, secrets, files.

Every section of the configuration file is a `Section`. Reading the file, substituting the
environment and collecting errors is the business of `exporter.configuration.config`; platforms and
authentication only declare here what they understand.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, LiteralString, Self

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from exporter.secret import FileSecret, Secret, TextSecret

_DURATION = re.compile(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+)ms)?"
)
_QUOTABLE = re.compile(r"[A-Za-z0-9_.${}\[\]'-]{0,64}")
_UNIT_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def parse_duration(value: object) -> float:
    """Read a duration such as `1h30m` or `500ms`, or a plain number of seconds, as seconds.

    Raises ValueError when the text is not a duration.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(_DURATION_HELP)
    if isinstance(value, int | float):
        # An integer of 400 digits has no float: it is too long in any case.
        seconds = float(value) if -1e9 < value < 1e9 else -1.0
    else:
        match = _DURATION.fullmatch(value)
        if match is None or not value:
            raise ValueError(_DURATION_HELP)
        seconds = sum(
            float(number) * _UNIT_SECONDS[unit]
            for unit, number in match.groupdict().items()
            if number is not None
        )
    if not 0 <= seconds < 1e9:
        raise ValueError(_DURATION_HELP)
    return seconds


def write_duration(seconds: float) -> str:
    """Write seconds as `parse_duration` reads them, in the largest units that fit."""
    parts = []
    for unit in ("d", "h", "m"):
        whole, seconds = divmod(seconds, _UNIT_SECONDS[unit])
        parts += [f"{whole:.0f}{unit}"] * bool(whole)
    if seconds or not parts:
        parts.append(f"{seconds:.6f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)


_DURATION_HELP = "expected a duration such as 30s, 5m or 1h30m"


def _duration(value: object) -> float:
    try:
        return parse_duration(value)
    except ValueError as exc:
        raise PydanticCustomError("duration", "{reason}", {"reason": str(exc)}) from exc


def _positive_duration(value: object) -> float:
    seconds = _duration(value)
    if seconds <= 0:
        raise PydanticCustomError("duration", "expected a duration longer than zero")
    return seconds


def _secret_text(value: object) -> Secret:
    if isinstance(value, TextSecret | FileSecret):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int) or str(value).strip() == "":
        raise PydanticCustomError("secret", "expected a non-empty text")
    return TextSecret(str(value))


def _secret_file(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, FileSecret):
        return value
    path = _existing_file(value, info)
    try:
        return FileSecret(path)
    except UnicodeDecodeError:
        raise PydanticCustomError(
            "secret_file", "not a UTF-8 text file: {path}", {"path": str(path)}
        ) from None
    except OSError as exc:
        raise PydanticCustomError(
            "secret_file",
            "cannot read {path}: {reason}",
            {"path": str(path), "reason": exc.strerror or "error"},
        ) from None


def _existing_file(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or str(value) == "":
        raise PydanticCustomError("file", "expected the name of a file")
    # Relative names are relative to the configuration file, as in Prometheus.
    directory = (info.context or {}).get("directory", Path())
    try:
        path = Path(directory) / Path(value).expanduser()
        found = path.is_file()
        exists = found or (path.exists() and not path.is_dir())
    except RuntimeError:
        raise PydanticCustomError("file", "{path}: no such user", {"path": str(value)}) from None
    except OSError as exc:
        raise PydanticCustomError(
            "file",
            "cannot read {path}: {reason}",
            {"path": str(path), "reason": exc.strerror or "error"},
        ) from None
    if exists and not found:
        raise PydanticCustomError("file", "not a regular file: {path}", {"path": str(path)})
    if not found:
        raise PydanticCustomError("file", "no such file: {path}", {"path": str(path)})
    return path


def quoted(key: object) -> str:
    """Return as much of a key as may be shown: up to 64 letters, digits and the like.

    To YAML `secret_key:wJalr` is a key in which nothing but a blank is missing.
    """
    text = str(key)
    match = _QUOTABLE.match(text)
    shown = match[0] if match is not None else ""
    return text if shown == text else f"{shown}…"


def is_endpoint(text: str) -> bool:
    """Say whether a text is a URL without user, query, fragment or control characters."""
    # What no URL holds as it is, control characters above all, would come into requests and logs.
    match = re.fullmatch(r"https?://[^/?#@\s\\]+(/(?:(?![?#\\])[!-~])*)?", text)
    return match is not None and has_an_address(text)


def _endpoint(text: str) -> str:
    if not is_endpoint(text):
        raise PydanticCustomError(
            "endpoint", "expected http(s)://host[:port][/path], without credentials or query"
        )
    return text.rstrip("/")


def is_proxy_url(text: str) -> bool:
    """Say whether a text is the address of a proxy, with or without credentials."""
    match = re.fullmatch(r"https?://([^/?#@\s]+@)?[^/?#@\s]+/?", text)
    return match is not None and has_an_address(text)


def has_an_address(text: str) -> bool:
    """Say whether host and port of a URL are ones that the HTTP library can connect to."""
    try:
        url = httpx.URL(text)
        return bool(url.host) and (url.port is None or 0 < url.port < 65536)
    except (httpx.InvalidURL, ValueError):
        return False


def written_as(kind: str) -> WithJsonSchema:
    """Tell the schema of the configuration how a value is written that is read in a way of ours."""
    return WithJsonSchema({"x-kind": kind})


def expecting(what: str, kind: LiteralString = "expected") -> WrapValidator:
    """Say in words what a text has to be, where pydantic would quote a regular expression.

    It stands behind the pattern, which the schema of the configuration keeps. The `kind` is that of
    the error.
    """

    def validate(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError as exc:
            if [each["type"] for each in exc.errors()] == ["string_type"]:
                raise
            raise PydanticCustomError(kind, "expected {what}", {"what": what}) from None

    return WrapValidator(validate)


def region_such_as(example: str, word: str = "code") -> WrapValidator:
    """Say that the code of a region is expected, or what its vendor calls that."""
    return expecting(f"the {word} of a region, such as {example}", "region_code")


Endpoint = Annotated[str, AfterValidator(_endpoint)]
"""The address of a service: a URL without user, query, fragment or control characters."""
Duration = Annotated[float, BeforeValidator(_duration), written_as("duration")]
PositiveDuration = Annotated[float, BeforeValidator(_positive_duration), written_as("duration")]
_masked = PlainSerializer(repr, return_type=str)
SecretText = Annotated[Any, BeforeValidator(_secret_text), _masked, written_as("text")]
SecretFile = Annotated[Any, BeforeValidator(_secret_file), _masked, written_as("file")]
ExistingFile = Annotated[Path, BeforeValidator(_existing_file)]


def file_secrets(value: object) -> Iterator[FileSecret]:
    """Yield every secret that a section, or what it is made of, keeps in a file."""
    if isinstance(value, FileSecret):
        yield value
    elif isinstance(value, BaseModel):
        yield from file_secrets([each for _, each in value])
    elif isinstance(value, Mapping):
        yield from file_secrets(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from file_secrets(each)


class Section(BaseModel):
    """One section of the configuration: frozen, and no key may be unknown.

    A field `x` beside a field `x_file` of type `SecretFile` is one secret given either way:
    `secret("x")` returns it, and giving both is an error.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_for_a_number(cls, value: object, info: ValidationInfo) -> object:
        # Without this `yes` would be a rate of one request per second.
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and field.annotation in (int, float):
            raise PydanticCustomError("number", "expected a number, not true or false")
        return value

    @model_validator(mode="after")
    def _one_way_per_secret(self) -> Self:
        for name in type(self).model_fields:
            twin = f"{name}_file"
            if twin in type(self).model_fields and None not in (
                getattr(self, name),
                getattr(self, twin),
            ):
                raise PydanticCustomError(
                    "secret_twice", "give either {name} or {twin}", {"name": name, "twin": twin}
                )
        return self

    def secret(self, name: str) -> Secret | None:
        """Return the secret given as `name` or `name_file`, or None when neither was given."""
        value = getattr(self, name)
        chosen: Secret | None = value if value is not None else getattr(self, f"{name}_file")
        return chosen

    def known_secret(self, name: str) -> Secret:
        """Return a secret that `needs` has made sure of. Raises LookupError when it was not."""
        value = self.secret(name)
        if value is None:
            raise LookupError(f"{name} was not given")
        return value

    def needs(self, *names: str) -> None:
        """Check that each named secret was given one way or the other.

        Raises PydanticCustomError naming the missing key: call it from a model validator.
        """
        for name in names:
            if self.secret(name) is None:
                raise PydanticCustomError(
                    "secret_missing", "{name} or {name}_file is required", {"name": name}
                )
