"""Write the manual page, in the language of man(7)."""

import textwrap
from collections.abc import Iterator

from exporter import __version__
from exporter.commands.help import texts_in
from exporter.commands.help.examples import EXAMPLES, PROGRAM
from manual.command_line import Command, Flag

DATE = "2026-11-29"
"""Of the last change in what is written here by hand."""
_WIDTH = 78
_DESCRIPTION = (
    "It watches streaming jobs through the control planes of their platforms and tells Prometheus "
    "what becomes of each: its state, how long it has run, how often it restarted, how far it lags "
    "behind its input. A scrape never causes a call of a platform.",
    "Without a command it serves. Flags stand before the name of a command or behind it, as "
    "--flag=VALUE or --flag VALUE.",
)
_FILES = (
    ("exporter.yml", "The configuration, unless --config.file names another. init writes one."),
    ("/etc/streaming-job-exporter/exporter.yml", "The configuration of the service of packages."),
)
_EXIT = (
    ("0", "Success."),
    ("1", "A source failed, the exporter is not healthy, or the output found no room."),
    ("2", "The configuration or an argument is wrong; each problem is a line, file:line:column."),
)
_SIGNALS = (
    ("SIGHUP", "Loads the configuration again. A bad one changes nothing and is logged."),
    ("SIGTERM, SIGINT", "Ends it, whatever else is going on."),
)
_ENVIRONMENT = (
    ("LC_ALL, LC_MESSAGES, LANG, LANGUAGE", "Whether --help and questions are in Chinese."),
    ("NAME", "Whatever the configuration has as ${NAME}."),
)


def page(program: Command, commands: tuple[Command, ...]) -> str:
    """Return the page of section 1."""
    lines = [
        '.\\" Made by `python -m manual.generate`.',
        f'.TH {PROGRAM.upper()} 1 {DATE} "{PROGRAM} {__version__}"',
        ".SH NAME",
        f"{_text(PROGRAM)} \\- {_text(program.help.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_text(PROGRAM)}",
        "[\\fIFLAG\\fR ...] [\\fICOMMAND\\fR [\\fIFLAG\\fR ...]]",
        ".SH DESCRIPTION",
        *_paragraphs(_DESCRIPTION),
        ".SH OPTIONS",
        *_flags(program.flags),
        ".SH COMMANDS",
    ]
    common = {flag.names: flag.help for flag in program.flags}
    for command in commands:
        lines += [f".SS {_text(command.name)}", f"{_text(_sentence(command.help))}"]
        own = [flag for flag in command.flags if common.get(flag.names) != flag.help]
        shared = [flag.names[-1] for flag in command.flags if flag not in own]
        lines += [*_flags((*command.places, *own))]
        if names := [name for name in shared if name not in ("--help",)]:
            lines += [".PP", _text(f"Of the options above: {', '.join(names)}.")]
    for title, rows in (
        ("FILES", _FILES),
        ("ENVIRONMENT", _ENVIRONMENT),
        ("EXIT STATUS", _EXIT),
        ("SIGNALS", _SIGNALS),
    ):
        lines += [f".SH {title}", *_rows(rows)]
    lines += [".SH EXAMPLES", *_examples(commands), ".SH SEE ALSO", ".BR prometheus (1)"]
    return "\n".join(lines) + "\n"


def _examples(commands: tuple[Command, ...]) -> Iterator[str]:
    texts, first = texts_in("en"), True
    for command in commands:
        for words, key in EXAMPLES[command.name]:
            if not first:
                yield ".PP"
            first = False
            yield _text(f"{_sentence(texts[key])[:-1]}:")
            yield ".PP"
            yield ".nf"
            yield f"    {_line(f'{PROGRAM} {words}')}"
            yield ".fi"


def _paragraphs(texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield _text(text)


def _flags(flags: tuple[Flag, ...]) -> Iterator[str]:
    for flag in flags:
        names = ", ".join(f"\\fB{_text(name)}\\fR" for name in flag.names)
        dashed = flag.names[0].startswith("-")
        yield ".TP"
        yield f"{names}=\\fI{_text(flag.metavar)}\\fR" if flag.metavar and dashed else names
        yield _text(_sentence(flag.help))


def _rows(rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, text in rows:
        yield ".TP"
        yield f"\\fB{_text(name)}\\fR"
        yield _text(text)


def _sentence(text: str) -> str:
    # What begins with something to type stays as it is.
    first = text[:1].upper() if text.partition(" ")[0].isalpha() else text[:1]
    return f"{first}{text[1:].rstrip('.')}."


def _text(text: str) -> str:
    """Return a text in lines in which nothing means anything to roff."""
    lines = textwrap.wrap(_line(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def _line(text: str) -> str:
    told = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return f"\\&{told}" if told.startswith((".", "'")) else told
