"""Durations, secrets, files and strict keys: what every section of the configuration shares."""

from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError, model_validator

from exporter.secret import MASK, FileSecret, TextSecret
from exporter.settings import (
    Duration,
    ExistingFile,
    PositiveDuration,
    SecretFile,
    SecretText,
    Section,
    parse_duration,
)

HIDDEN = "hunter2-never-shown"


class Sample(Section):
    """A section with one field of each kind."""

    pause: Duration = 1.0
    period: PositiveDuration = 1.0
    share: float = 0.5
    count: int = 1
    switch: bool = False
    text: str = ""
    password: SecretText = None
    password_file: SecretFile = None
    page: ExistingFile | None = None


class Needy(Section):
    """A section that cannot do without its password."""

    password: SecretText = None
    password_file: SecretFile = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        self.needs("password")
        return self


def _problem(
    model: type[Section], values: dict[str, Any], directory: Path = Path()
) -> tuple[str, str]:
    """Return place and text of the only problem of a section."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values, context={"directory": directory})
    (error,) = caught.value.errors()
    return ".".join(str(step) for step in error["loc"]), error["msg"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("1d2h3m4s5ms", 93784.005),
        ("0s", 0.0),
        ("11574d", 999993600.0),
        (15, 15.0),
        (0, 0.0),
        (0.25, 0.25),
    ],
)
def test_duration_is_read_as_seconds(given: object, seconds: float) -> None:
    assert parse_duration(given) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "given",
    [
        *("", " ", "30", "s", "30 s", " 30s", "30s ", "30S", "1m1h", "1s1s", "-5s", "+5s", "1.5m"),
        *("1e3s", ".5s", "5.s", "inf", "nan", "1w", "30s\n", "1,5s", "11575d", "9" * 400 + "s"),
        *(None, True, False, [], {}, b"30s", -1, -0.001, 1e9, float("inf"), float("nan")),
        *(10**400, -(10**400)),
    ],
)
def test_duration_is_refused_when_it_makes_no_sense(given: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a duration such as 30s, 5m or 1h30m$"):
        parse_duration(given)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none()))
def test_duration_is_seconds_or_a_value_error_whatever_is_given(given: object) -> None:
    try:
        seconds = parse_duration(given)
    except ValueError:
        return
    assert 0 <= seconds < 1e9


@pytest.mark.parametrize("given", ["0s", 0, 0.0, "0ms"])
def test_positive_duration_refuses_zero_where_a_duration_takes_it(given: object) -> None:
    assert Sample.model_validate({"pause": given}).pause == 0
    assert Sample.model_validate({"period": "1ms"}).period == 0.001
    assert _problem(Sample, {"period": given}) == ("period", "expected a duration longer than zero")


@pytest.mark.parametrize("name", ["pause", "period"])
def test_duration_of_a_section_names_its_form_when_it_is_wrong(name: str) -> None:
    expected = "expected a duration such as 30s, 5m or 1h30m"
    assert _problem(Sample, {name: "soon"}) == (name, expected)
    assert _problem(Sample, {name: 10**400}) == (name, expected)


@pytest.mark.parametrize("name", ["share", "count", "pause", "period"])
@pytest.mark.parametrize("given", [True, False])
def test_number_is_never_taken_from_true_or_false(name: str, given: bool) -> None:
    assert _problem(Sample, {name: given}) == (name, "expected a number, not true or false")


def test_switch_still_takes_true_and_false() -> None:
    assert Sample.model_validate({"switch": True}).switch is True
    assert Sample.model_validate({"switch": "false"}).switch is False


def test_section_refuses_a_key_it_does_not_know() -> None:
    assert _problem(Sample, {"cuont": 1})[0] == "cuont"


def test_section_cannot_be_changed_once_made() -> None:
    with pytest.raises(ValidationError):
        Sample().text = "other"


@pytest.mark.parametrize("given", ["", "  ", None, True, 1.5, [], {"a": 1}])
def test_secret_is_refused_when_it_is_no_text_or_empty(given: object) -> None:
    assert _problem(Sample, {"password": given}) == ("password", "expected a non-empty text")


@pytest.mark.parametrize("given", ["hunter2", 123456, TextSecret("x")])
def test_secret_is_taken_from_a_text_or_its_digits(given: object) -> None:
    secret = Sample.model_validate({"password": given}).secret("password")
    assert secret is not None
    assert secret.reveal() == (given.reveal() if isinstance(given, TextSecret) else str(given))


def test_secret_is_read_from_the_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(HIDDEN + "\n")
    section = Sample.model_validate({"password_file": "pw"}, context={"directory": tmp_path})
    secret = section.secret("password")
    assert secret is not None
    assert secret.reveal() == HIDDEN
    assert section.secret("password") == FileSecret(tmp_path / "pw")


def test_secret_file_may_be_given_ready_made(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(HIDDEN)
    ready = FileSecret(tmp_path / "pw")
    assert Sample.model_validate({"password_file": ready}).password_file is ready


def test_secret_is_none_when_it_is_given_neither_way() -> None:
    assert Sample().secret("password") is None


def test_secret_that_must_be_there_is_returned_or_a_programming_error() -> None:
    section = Sample.model_validate({"password": "x"})
    assert section.known_secret("password") == TextSecret("x")
    with pytest.raises(LookupError, match=r"^password was not given$"):
        Sample().known_secret("password")


def test_secret_given_both_ways_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("a")
    assert _problem(Sample, {"password": "b", "password_file": "pw"}, tmp_path) == (
        "",
        "give either password or password_file",
    )


def test_missing_secret_is_named_with_both_its_ways() -> None:
    assert _problem(Needy, {}) == ("", "password or password_file is required")
    assert Needy.model_validate({"password": "x"}).secret("password") == TextSecret("x")


def test_section_shows_no_secret_however_it_is_printed_or_dumped(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(HIDDEN)
    for values in ({"password": HIDDEN}, {"password_file": "pw"}):
        section = Sample.model_validate(values, context={"directory": tmp_path})
        dumped = [repr(section), str(section), str(section.model_dump()), section.model_dump_json()]
        assert all(MASK in text for text in dumped)
        assert not any(HIDDEN in text for text in dumped)


def test_validation_error_quotes_nothing_of_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate({"count": HIDDEN, "switch": HIDDEN, "share": HIDDEN, "page": HIDDEN})
    errors = caught.value.errors(include_input=False)
    assert len(errors) == 4
    # The name of a file is no secret and is what one looks for.
    assert not any(HIDDEN in error["msg"] for error in errors if error["loc"] != ("page",))
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize("name", ["page", "password_file"])
@pytest.mark.parametrize("given", ["", None, 5, ["a"], True])
def test_file_is_refused_when_its_name_is_none(name: str, given: object) -> None:
    if name == "page" and given is None:
        assert Sample.model_validate({name: given}).page is None
    else:
        assert _problem(Sample, {name: given}) == (name, "expected the name of a file")


@pytest.mark.parametrize("name", ["page", "password_file"])
def test_file_is_refused_when_it_is_not_there_or_a_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name_of_file in ("absent", "folder", "a\0b"):
        expected = (name, f"no such file: {tmp_path / name_of_file}")
        assert _problem(Sample, {name: name_of_file}, tmp_path) == expected


@pytest.mark.parametrize("name", ["page", "password_file"])
def test_file_is_refused_when_its_name_is_too_long_to_look_for(name: str, tmp_path: Path) -> None:
    given = "a" * 300
    expected = (name, f"cannot read {tmp_path / given}: File name too long")
    assert _problem(Sample, {name: given}, tmp_path) == expected


@pytest.mark.parametrize("name", ["page", "password_file"])
def test_file_is_refused_when_it_is_in_the_home_of_nobody(name: str) -> None:
    expected = (name, "~nosuchuser/key: no such user")
    assert _problem(Sample, {name: "~nosuchuser/key"}) == expected


def test_file_with_an_absolute_name_is_not_looked_for_beside_the_configuration(
    tmp_path: Path,
) -> None:
    page = tmp_path / "page"
    page.write_text("x")
    section = Sample.model_validate({"page": str(page)}, context={"directory": Path("/elsewhere")})
    assert section.page == page
    assert Sample.model_validate({"page": page}).page == page


def test_secret_file_is_refused_when_it_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_bytes(b"\xff\xfe" + HIDDEN.encode("utf-16-le"))
    expected = ("password_file", f"not a UTF-8 text file: {path}")
    assert _problem(Sample, {"password_file": "pw"}, tmp_path) == expected


def test_secret_file_is_refused_when_reading_it_fails() -> None:
    # This file is there for anyone to see; reading it from its start is an input/output error.
    given = "/proc/self/mem"
    expected = ("password_file", f"cannot read {given}: Input/output error")
    assert _problem(Sample, {"password_file": given}) == expected
