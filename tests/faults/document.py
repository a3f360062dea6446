"""Write the matrix as a page: `python -m tests.faults.document` after a change of it."""

from collections.abc import Iterable
from pathlib import Path

from tests.faults.broken_roads import ROADS
from tests.faults.matrix import FAULTS, UNLESS, Fault, Reaction
from tests.faults.operations import OPERATIONS, Part

PAGE = Path(__file__).parent.parent.parent / "docs" / "faults.md"
_BEGIN, _END = "<!-- the matrix -->\n", "<!-- end of the matrix -->\n"


def page() -> str:
    """Return the page with the tables as the matrix has them; its words are its own."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    tables = "\n".join((_operations(), _connections(), _answers(), _unless()))
    return f"{before}{_BEGIN}\n{tables}\n{_END}{after}"


def _operations() -> str:
    words = {
        Part.LISTING: "the listing",
        Part.DETAILS: "a question about a job",
        Part.EXTRA: "an extra that nobody misses",
        Part.LOGIN: "the login",
        Part.METADATA: "the credentials of the instance",
    }
    rows = [
        (
            f"`{operation.platform}`",
            f"`{operation.name}`" + (" with `jobs.ids`" if operation.by_id else ""),
            words[operation.part],
        )
        for operation in OPERATIONS
    ]
    return _section("Operations", ("platform", "operation", "part of"), rows)


def _connections() -> str:
    rows = [(road.name, *_cells(road.reaction)) for road in ROADS]
    rows.append(("nothing newer than TLS 1.1", *_cells(Reaction(ROADS[-1].reaction.reason))))
    return _section("Connections", ("fault", "reason", "sent"), rows)


def _answers() -> str:
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
    return _section("Answers", ("fault", "reason", "sent"), rows)


def _shortened(first: str, other: str) -> str:
    """Leave out of a name what the first one has said: `400 with a page` after `400 with ...`."""
    status = first.partition(" ")[0]
    return other.removeprefix(f"{status} ").removesuffix(" to another host")


def _unless() -> str:
    rows = [
        (special.at, _words(special.faults), *_cells(special.reaction), special.why)
        for special in UNLESS
    ]
    return _section("Exceptions", ("at", "fault", "reason", "sent", "because"), rows)


def _words(pattern: str) -> str:
    if pattern == ".*":
        return "any"
    plain = pattern.replace(" .*", "").replace("30[78]", "307, 308").replace("40[09]", "400, 409")
    return plain.replace("30.", "301 to 308").replace("(", "").replace(")", "").replace("|", ", ")


def _cells(reaction: Reaction) -> tuple[str, str]:
    reason = "no failure" if reaction.reason is None else f"`{reaction.reason}`"
    return reason, "" if reaction.sends is None else str(reaction.sends)


def _section(title: str, names: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    names = tuple(names)
    lines = [f"## {title}", "", _row(names), "|" + "---|" * len(names)]
    return "\n".join([*lines, *(_row(row) for row in rows), ""])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page())
