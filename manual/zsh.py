"""Write what completes in zsh."""

from collections.abc import Iterator

from manual.command_line import Command, Flag


def completion(program: Command, commands: tuple[Command, ...]) -> str:
    """Return the script, to be put into a folder of `fpath` as `_streaming-job-exporter`."""
    lines = [
        "#compdef streaming-job-exporter",
        "# Made by `python -m manual.generate`. Completes streaming-job-exporter in zsh.",
        "_streaming-job-exporter() {",
        "    local context state state_descr line",
        "    typeset -A opt_args",
        "    local -a commands",
        "    commands=(",
        *(f"        {_quoted(f'{each.name}:{each.help}')}" for each in commands),
        "    )",
        "    _arguments -C \\",
        *(f"        {_quoted(spec)} \\" for spec in _specs(program)),
        "        '1: :->command' '*:: :->rest'",
        "    case $state in",
        "    command) _describe -t commands command commands ;;",
        "    rest)",
        "        case $words[1] in",
    ]
    for each in commands:
        lines.append(f"        {each.name})")
        lines.append("            _arguments \\")
        specs = [_quoted(spec) for spec in _specs(each)]
        lines += [f"                {spec} \\" for spec in specs[:-1]]
        lines += [f"                {specs[-1]}", "            ;;"]
    lines += [
        "        esac",
        "        ;;",
        "    esac",
        "}",
        "# As a file of fpath it is called at once, sourced it has to say what it is for.",
        'if [ "$funcstack[1]" = _streaming-job-exporter ]; then',
        '    _streaming-job-exporter "$@"',
        "else",
        "    compdef _streaming-job-exporter streaming-job-exporter",
        "fi",
    ]
    return "\n".join(lines) + "\n"


def _specs(command: Command) -> Iterator[str]:
    for flag in command.flags:
        for name in flag.names:
            behind = f":{flag.metavar}:{_action(flag)}" if flag.metavar else ""
            value = "=" if behind else ""
            yield f"{name}{value}[{_told(flag.help)}]{behind}"
    for place in command.places:
        yield f":{place.metavar}:{_action(place)}"


def _action(flag: Flag) -> str:
    if flag.choices:
        return f"({' '.join(flag.choices)})"
    return "_files" if flag.takes_file else " "


def _told(text: str) -> str:
    for sign in "\\[]:":
        text = text.replace(sign, f"\\{sign}")
    return text


def _quoted(text: str) -> str:
    quoted = text.replace("'", "'\\''")
    return f"'{quoted}'"
