"""Read commands as a shell would, and look whether what they name is there."""

import contextlib
import importlib.util
import io
import re
import shlex
from collections.abc import Callable, Iterator, Mapping

from exporter.commands.arguments import build_parser
from tests.docs.pages import ROOT

OWN = "streaming-job-exporter"
_MAKEFILE = (ROOT / "Makefile").read_text()
_TARGETS = set(re.findall(r"^([a-z][a-z-]*):", _MAKEFILE, re.MULTILINE))
_VARIABLES = {*re.findall(r"^([A-Z_]+) \?=", _MAKEFILE, re.MULTILINE), "ARGS"}
_FOLDERS = (ROOT, ROOT / "deploy" / "compose", ROOT / "deploy")
_YOURS = re.compile(r"(\./)?(exporter|my-[a-z]+|streaming-job-exporter[-_*].*)\.(ya?ml|deb|rpm)")
"""Files that are not ours to have: the reader writes or builds them."""
_PLAIN = {
    *("amtool", "apt", "cat", "cd", "cp", "curl", "dnf", "editor", "grep", "head", "helm"),
    *(
        "htpasswd",
        "install",
        "jq",
        "journalctl",
        "kubectl",
        "ln",
        "mkdir",
        "pip",
        "pipx",
        "promtool",
    ),
    *("rm", "sort", "systemctl", "tail", "tr"),
}


def commands(text: str) -> Iterator[str]:
    """Yield the commands of a console: lines after `$`, with those that they go on in."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines)
            yield command


def words(command: str) -> list[list[str]]:
    """Return the words of each program of a command."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;"):
            found.append([])
        else:
            found[-1].append(word)
    return [each for each in found if each]


def problem(command: str) -> str | None:
    """Return what is wrong with a command; None when all that it names is there."""
    for program, *arguments in words(command):
        name = program.rpartition("/")[2]
        check = _CHECKS.get(name)
        if check is None and name not in _PLAIN:
            return f"{program}: nobody here knows what this is"
        told = (check(arguments) if check else None) or _missing(arguments)
        if told:
            return told
    return None


def parse_own(arguments: list[str]) -> str | None:
    """Return what the exporter says against its arguments."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            build_parser().parse_args(arguments)
    except SystemExit as exc:
        return said.getvalue() if exc.code else None
    return None


def _make(arguments: list[str]) -> str | None:
    for each in arguments:
        name, equals, _ = each.partition("=")
        if name not in (_VARIABLES | {"VERSION"} if equals else _TARGETS):
            return f"make {each}: no such target or variable"
    return None


def _python(arguments: list[str]) -> str | None:
    if arguments[:1] == ["-m"]:
        try:
            found = importlib.util.find_spec(arguments[1])
        except ModuleNotFoundError:
            found = None
        return None if found or arguments[1] == "venv" else f"python -m {arguments[1]}: no module"
    return None


def _docker(arguments: list[str]) -> str | None:
    if arguments[0] == "run" and OWN in arguments:
        return parse_own(arguments[arguments.index(OWN) + 1 :])
    return None if arguments[0] in ("build", "compose", "run", "logs") else f"docker {arguments[0]}"


def _systemd_run(arguments: list[str]) -> str | None:
    return parse_own(arguments[arguments.index(OWN) + 1 :])


_CHECKS: Mapping[str, Callable[[list[str]], str | None]] = {
    OWN: parse_own,
    "make": _make,
    "python": _python,
    "python3": _python,
    "docker": _docker,
    "systemd-run": _systemd_run,
}


def _missing(arguments: list[str]) -> str | None:
    """Return the first file of ours that is named and not there."""
    for each in arguments:
        path = each.rpartition("=")[2] if each.startswith("-") else each
        shaped = re.fullmatch(r"(\./)?[\w*-]+(/[\w.*-]+)+|[\w-]+\.(yml|yaml|json)", path)
        if not shaped or _YOURS.fullmatch(path) or path.startswith("build/"):
            continue
        if not any(any(folder.glob(path.removeprefix("./"))) for folder in _FOLDERS):
            return f"{path}: no such file"
    return None
