"""Write what completes in fish."""

from collections.abc import Iterator

from manual.command_line import Command, Flag

_PROGRAM = "complete -c streaming-job-exporter"


def completion(program: Command, commands: tuple[Command, ...]) -> str:
    """Return the script, to be put into a folder of completions under the program's name."""
    names = " ".join(command.name for command in commands)
    none = f"-n 'not __fish_seen_subcommand_from {names}'"
    lines = [
        "# Made by `python -m manual.generate`. Completes streaming-job-exporter in fish.",
        f"{_PROGRAM} -f",
        *(f"{_PROGRAM} {none} -a {each.name} -d {_quoted(each.help)}" for each in commands),
        *(f"{_PROGRAM} {none} {flag}" for flag in _flags(program)),
    ]
    for each in commands:
        seen = f"-n '__fish_seen_subcommand_from {each.name}'"
        for place in each.places:
            lines.append(f"{_PROGRAM} {seen} -a {_quoted(' '.join(place.choices))}")
        lines += [f"{_PROGRAM} {seen} {flag}" for flag in _flags(each)]
    return "\n".join(lines) + "\n"


def _flags(command: Command) -> Iterator[str]:
    for flag in command.flags:
        names = " ".join(_name(name) for name in flag.names)
        yield f"{names}{_value(flag)} -d {_quoted(flag.help)}"


def _name(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _value(flag: Flag) -> str:
    if flag.choices:
        return f" -x -a {_quoted(' '.join(flag.choices))}"
    if flag.takes_file:
        return " -r -F"
    return " -x" if flag.metavar else ""


def _quoted(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"
