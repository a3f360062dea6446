"""Write the matrix as a page: `python -m tests.faults.document` after a change of it."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.faults.broken_roads import ROADS
from tests.faults.document.chinese import in_chinese
from tests.faults.matrix import FAULTS, UNLESS, Fault, Reaction
from tests.faults.operations import OPERATIONS, Part

_DOCS = Path(__file__).parents[3] / "docs"
PAGES: Mapping[Path, Callable[[str], str]] = {
    _DOCS / "faults.md": str,
    _DOCS / "zh" / "faults.md": in_chinese,
}
"""The pages, and how what the matrix says is said there."""
_BEGIN, _END = "<!-- the matrix -->\n", "<!-- end of the matrix -->\n"


def page(path: Path) -> str:
    """Return a page with the tables as the matrix has them; its words are its own."""
    before, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    tables = "\n".join(
        _section(*table, PAGES[path])
        for table in (_operations(), _connections(), _answers(), _unless())
    )
    return f"{before}{_BEGIN}\n{tables}\n{_END}{after}"


_Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""The title of a section, what its columns are called, and the rows."""


def _operations() -> _Table:
    words = {
        Part.LISTING: "the listing",
        Part.DETAILS: "a question about a job",
        Part.MONITORING: "the figures of a monitoring service",
        Part.EXTRA: "an extra that nobody misses",
        Part.LOGIN: "the login",
        Part.METADATA: "the credentials of the instance",
    }
    rows: list[tuple[str, ...]] = [
        (
            f"`{operation.platform}`",
            f"`{operation.name}`" + (" with `jobs.ids`" if operation.by_id else ""),
            words[operation.part],
        )
        for operation in OPERATIONS
    ]
    return "Operations", ("platform", "operation", "part of"), rows


def _connections() -> _Table:
    rows: list[tuple[str, ...]] = [(road.name, *_cells(road.reaction)) for road in ROADS]
    rows.append(("nothing newer than TLS 1.1", *_cells(Reaction(ROADS[-1].reaction.reason))))
    return "Connections", ("fault", "reason", "sent"), rows


def _answers() -> _Table:
    rows: list[tuple[str, ...]] = []
    merged: dict[str, list[Fault]] = {}
    for fault in FAULTS:
        same = f"{fault.group} {fault.reaction}"
        merged.setdefault(
            same if fault.group.startswith(("status", "redirect")) else fault.name, []
        )
        merged[same if fault.group.startswith(("status", "redirect")) else fault.name].append(fault)
    for faults in merged.values():
        name = faults[0].name
        if len(faults) > 1:
            first, *rest = (fault.name for fault in faults)
            name = ", ".join((first, *(_shortened(first, other) for other in rest)))
        rows.append((name, *_cells(faults[0].reaction)))
    return "Answers", ("fault", "reason", "sent"), rows


def _shortened(first: str, other: str) -> str:
    """Leave out of a name what the first one has said: `400 with a page` after `400 with ...`."""
    status = first.partition(" ")[0]
    return other.removeprefix(f"{status} ").removesuffix(" to another host")


def _unless() -> _Table:
    rows: list[tuple[str, ...]] = [
        (special.at, _words(special.faults), *_cells(special.reaction), special.why)
        for special in UNLESS
    ]
    return "Exceptions", ("at", "fault", "reason", "sent", "because"), rows


def _words(pattern: str) -> str:
    if pattern == ".*":
        return "any"
    plain = pattern.replace(".*, then silence", "headers or half a body and then silence")
    plain = (
        plain.replace("with .*", "in other words")
        .replace(" .*", "")
        .replace("30[78]", "307, 308")
        .replace("40[09]", "400, 409")
    )
    return plain.replace("30.", "301 to 308").replace("(", "").replace(")", "").replace("|", ", ")


def _cells(reaction: Reaction) -> tuple[str, str]:
    reason = "no failure" if reaction.reason is None else f"`{reaction.reason}`"
    return reason, "" if reaction.sends is None else str(reaction.sends)


def _section(
    title: str, names: Iterable[str], rows: Iterable[tuple[str, ...]], say: Callable[[str], str]
) -> str:
    names = tuple(names)
    lines = [f"## {say(title)}", "", _row(names, say), "|" + "---|" * len(names)]
    return "\n".join([*lines, *(_row(row, say) for row in rows), ""])


def _row(cells: tuple[str, ...], say: Callable[[str], str]) -> str:
    return "| " + " | ".join(map(say, cells)) + " |"
