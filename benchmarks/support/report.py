"""Collect what the benchmarks find, as tables for people and as JSON for programs."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Report:
    """The tables of one benchmark, and how it stands with what was promised."""

    tables: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table and print it."""
        texts = [[_text(cell) for cell in row] for row in rows]
        self.tables.append({"title": title, "header": list(header), "rows": texts})
        print(_table(title, header, texts), flush=True)

    def at_most(self, promise: str, measured: float, bound: float) -> None:
        """Note a promise that a figure stays below a bound."""
        self._check(promise, measured, bound, measured <= bound)

    def at_least(self, promise: str, measured: float, bound: float) -> None:
        """Note a promise that a figure reaches a bound."""
        self._check(promise, measured, bound, measured >= bound)

    def as_json(self) -> dict[str, Any]:
        """Return everything."""
        return {"tables": self.tables, "checks": self.checks}

    def _check(self, promise: str, measured: float, bound: float, kept: bool) -> None:
        check = {"promise": promise, "measured": measured, "bound": bound, "kept": kept}
        self.checks.append(check)
        print(f"   {'ok  ' if kept else 'MISS'} {promise}: {_text(measured)}", flush=True)


def machine() -> dict[str, str]:
    """Name the machine, for figures mean nothing without it."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = os.getloadavg()[0]
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "load": f"{load:.1f}",
    }


def markdown(results: Mapping[str, Any]) -> str:
    """Return all results as one page."""
    parts = ["# Benchmarks\n\nMade by `make bench`.\n"]
    for name, result in sorted(results.items()):
        where = result["machine"]
        parts.append(
            f"\n## {name}\n\n{where['processor']}, {where['system']}, Python {where['python']}, "
            f"{where['date']}, load {where['load']}.\n"
        )
        parts += [_table(each["title"], each["header"], each["rows"]) for each in result["tables"]]
        if result["checks"]:
            rows = [
                [check["promise"], _text(check["measured"]), "yes" if check["kept"] else "no"]
                for check in result["checks"]
            ]
            parts.append(_table("Promises", ("promise", "measured", "kept"), rows))
    return "".join(parts)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"\n**{title}**\n", f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) < 10 else f"{cell:,.0f}"
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else str(cell)
