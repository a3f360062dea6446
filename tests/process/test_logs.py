"""One event is one line, whatever texts from outside it holds, and libraries keep quiet."""

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.process.condition_log import Log
from exporter.process.logs import FORMATS, LEVELS, build_log, quiet_libraries

HIDDEN = "hunter2-never-shown"
LIBRARIES = ("httpx", "httpcore", "asyncio", "uvicorn", "uvicorn.error", "uvicorn.access")
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


def _log(level: str = "debug", form: str = "logfmt") -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return build_log(level, form, stream), stream


def _fields(line: str) -> dict[str, str]:
    """Read a line of logfmt as a reader of logs does."""
    fields = {}
    rest = line
    while rest:
        match = re.match(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)', rest)
        assert match, f"no logfmt from here: {rest!r}"
        value = match[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        assert match[1] not in fields
        fields[match[1]] = value
        rest = rest[match.end() :]
    return fields


def test_line_of_logfmt_begins_with_time_level_and_event() -> None:
    log, stream = _log()
    log.warning("poll failed", source="dli", jobs=3, detail='say "no"')
    (line,) = stream.getvalue().splitlines()
    assert re.match(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z level=warning event=", line)
    fields = _fields(line)
    del fields["time"]
    assert fields == {
        "level": "warning",
        "event": "poll failed",
        "source": "dli",
        "jobs": "3",
        "detail": 'say "no"',
    }


def test_line_of_json_is_one_object_with_readable_characters() -> None:
    log, stream = _log(form="json")
    log.info("任务 <ok>", jobs=3, detail=None)
    assert "任务 <ok>" in stream.getvalue()
    fields = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", fields.pop("time"))
    assert fields == {"level": "info", "event": "任务 <ok>", "jobs": 3, "detail": None}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", LEVELS)
def test_events_below_the_level_are_not_written(level: str, form: str) -> None:
    log, stream = _log(level, form)
    for name in LEVELS:
        getattr(log, name)(f"said at {name}")
    written = [name for name in LEVELS if f"said at {name}" in stream.getvalue()]
    assert written == list(LEVELS[LEVELS.index(level) :])


@pytest.mark.parametrize("form", FORMATS)
def test_bound_facts_are_on_every_line(form: str) -> None:
    log, stream = _log(form=form)
    bound = log.bind(source="dli")
    bound.info("one")
    bound.bind(job="x").info("two")
    log.info("three")
    lines = stream.getvalue().splitlines()
    assert ["dli" in line for line in lines] == [True, True, False]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("line_break", BREAKS)
def test_text_from_outside_cannot_forge_a_line(form: str, line_break: str) -> None:
    log, stream = _log(form=form)
    forged = f"x{line_break}time=2024-01-01T00:00:00Z level=error event=forged"
    log.info(forged, detail=forged)
    text = stream.getvalue()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("control", ["\x1b[2K", "\x1b]0;x\x07", "\x08", "\x00", "\x7f", "\x9b2K"])
def test_text_from_outside_cannot_command_a_terminal(form: str, control: str) -> None:
    log, stream = _log(form=form)
    log.info("state", word=f"a{control}b")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", stream.getvalue())


@pytest.mark.parametrize(
    "value",
    [
        'x" level=error event="forged',
        'x\\" level=error event=\\"forged',
        "x level=error event=forged",
        "\\",
        '\\"',
        '"',
        "=",
        "",
    ],
)
def test_text_from_outside_cannot_forge_a_field(value: str) -> None:
    log, stream = _log()
    log.info("state", word=value, last="z")
    fields = _fields(stream.getvalue().rstrip("\n"))
    assert (fields["level"], fields["event"], fields["last"]) == ("info", "state", "z")
    assert fields["word"] == value


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_any_text_comes_back_from_json_as_it_was(text: str) -> None:
    log, stream = _log(form="json")
    log.info(text, detail=text)
    assert json.loads(stream.getvalue())["event"] == text
    assert json.loads(stream.getvalue())["detail"] == text


@given(st.text())
def test_any_text_makes_one_line_in_every_form(text: str) -> None:
    for form in FORMATS:
        log, stream = _log(form=form)
        log.warning(text, detail=text)
        assert len(stream.getvalue().splitlines()) == 1


@pytest.fixture
def _libraries() -> Iterator[None]:
    """Put the libraries' loggers back as they were."""
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("_libraries")
@pytest.mark.parametrize(
    "name", [*LIBRARIES, "httpcore.connection", "httpcore.http11", "httpcore.proxy"]
)
def test_library_is_quiet_below_a_warning_even_at_debug_level(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    log, stream = _log("debug")
    quiet_libraries(log)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(name).debug("send_request_headers %s", HIDDEN)
        logging.getLogger(name).info("HTTP Request: GET https://h/?token=%s", HIDDEN)
    assert stream.getvalue() == ""
    assert caplog.records == []


@pytest.mark.usefixtures("_libraries")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "uvicorn.error"])
def test_warning_of_a_library_is_one_line_of_ours(
    name: str, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    log, stream = _log("info", form)
    quiet_libraries(log)
    logging.getLogger(name).warning("first %s\nsecond", "line")
    (line,) = stream.getvalue().splitlines()
    fields: dict[str, Any] = json.loads(line) if form == "json" else _fields(line)
    assert (fields["level"], fields["event"], fields["library"]) == ("warning", "first line", name)
    assert "second" not in line
    assert caplog.records == []


@pytest.mark.usefixtures("_libraries")
def test_exception_of_a_library_is_named_and_not_quoted() -> None:
    log, stream = _log()
    quiet_libraries(log)
    try:
        raise ValueError(HIDDEN)
    except ValueError:
        logging.getLogger("asyncio").exception("it broke")
    fields = _fields(stream.getvalue().rstrip("\n"))
    assert (fields["event"], fields["exception"]) == ("it broke", "ValueError")
    assert HIDDEN not in stream.getvalue()


@pytest.mark.usefixtures("_libraries")
def test_message_of_a_library_may_be_empty() -> None:
    log, stream = _log()
    quiet_libraries(log)
    logging.getLogger("asyncio").error("")
    logging.getLogger("asyncio").error("x", exc_info=(None, None, None))
    first, second = (_fields(line) for line in stream.getvalue().splitlines())
    assert (first["event"], "exception" in first) == ("", False)
    assert (second["event"], "exception" in second) == ("x", False)


@pytest.mark.usefixtures("_libraries")
def test_sentence_of_a_library_is_said_once_a_minute() -> None:
    """Whatever it is about: without this a lack of sockets would fill the disk with its log."""
    log, stream = _log()
    now = [1000.0]
    quiet_libraries(log, monotonic=lambda: now[0])
    for seconds in (0.0, 1.0, 30.0, 28.9, 0.2):
        now[0] += seconds
        for socket in range(3):
            told = f"out of resource\nsocket: {socket}"
            logging.getLogger("asyncio").error(told)
            logging.getLogger("uvicorn").error("no answer to %s", socket)
    events = [_fields(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["out of resource", "no answer to 0"] * 2


@pytest.mark.usefixtures("_libraries")
def test_quieting_twice_says_everything_once_and_to_the_last_log() -> None:
    first, first_stream = _log()
    second, second_stream = _log()
    quiet_libraries(first)
    quiet_libraries(second)
    logging.getLogger("httpx").warning("x")
    assert first_stream.getvalue() == ""
    assert len(second_stream.getvalue().splitlines()) == 1


def test_log_is_written_to_standard_error_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_log("info", "logfmt").info("here")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "event=here" in captured.err
