"""What is said to standard error is whole lines, but for a question, which waits for its answer."""

import os

from exporter.process.log_writer import LogWriter
from exporter.process.standard_streams import LineStream


def _said(read: int, writer: LogWriter) -> str:
    writer.drain(5)
    return os.read(read, 65536).decode()


def test_line_is_written_when_it_has_an_end() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    writer = LogWriter(write)
    stream = LineStream(writer, write)
    stream.write("one\ntw")
    assert _said(read, writer) == "one\n"
    stream.write("o\n")
    assert _said(read, writer) == "two\n"


def test_what_was_begun_is_written_once_when_it_is_wanted() -> None:
    read, write = os.pipe()
    writer = LogWriter(write)
    stream = LineStream(writer, write)
    stream.write("Which platform?\n> ")
    stream.flush()
    assert _said(read, writer) == "Which platform?\n> "
    stream.flush()
    stream.write("next\n")
    assert _said(read, writer) == "next\n"
