"""Write what completes in bash, 3.2 and later."""

from collections.abc import Iterable, Iterator

from manual.command_line import Command, Flag


def completion(program: Command, commands: tuple[Command, ...]) -> str:
    """Return the script, to be sourced or put where bash-completion looks."""
    names = " ".join(command.name for command in commands)
    known = {flag.names: flag for command in (program, *commands) for flag in command.flags}
    lines = [
        "# Made by `python -m manual.generate`. Completes streaming-job-exporter in bash.",
        "# shellcheck shell=bash",
        "_streaming_job_exporter() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
        '    local command="" words="" word',
        "    # Bash takes `=` for a word of its own.",
        '    if [ "$current" = "=" ]; then',
        '        current=""',
        '    elif [ "$before" = "=" ]; then',
        '        before="${COMP_WORDS[COMP_CWORD-2]}"',
        "    fi",
        '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '        case "$word" in',
        f'        {names.replace(" ", " | ")}) command="$word" ;;',
        "        esac",
        "    done",
        "    COMPREPLY=()",
        '    case "$before" in',
        *_values(known.values()),
        "    esac",
        '    if [ -z "$words" ]; then',
        '        case "$command" in',
        f'        "") words="{names} {_words(program)}" ;;',
        *(f'        {each.name}) words="{_words(each)}" ;;' for each in commands),
        "        esac",
        "    fi",
        "    while IFS= read -r word; do",
        '        COMPREPLY+=("$word")',
        '    done < <(compgen -W "$words" -- "$current")',
        "}",
        "complete -F _streaming_job_exporter streaming-job-exporter",
    ]
    return "\n".join(lines) + "\n"


def _words(command: Command) -> str:
    places = [choice for place in command.places for choice in place.choices]
    return " ".join([*places, *(name for flag in command.flags for name in flag.names)])


def _values(flags: Iterable[Flag]) -> Iterator[str]:
    files: list[str] = []
    free: list[str] = []
    chosen: dict[str, str] = {}
    for flag in flags:
        if flag.choices:
            chosen[flag.names[-1]] = " ".join(flag.choices)
        elif flag.metavar:
            (files if flag.takes_file else free).append(flag.names[-1])
    for name, words in sorted(chosen.items()):
        yield f'    {name}) words="{words}" ;;'
    yield f"    {' | '.join(sorted(set(files)))})"
    yield "        compopt -o filenames 2>/dev/null"
    yield "        while IFS= read -r word; do"
    yield '            COMPREPLY+=("$word")'
    yield '        done < <(compgen -f -- "$current")'
    yield "        return"
    yield "        ;;"
    yield f"    {' | '.join(sorted(set(free)))}) return ;;"
