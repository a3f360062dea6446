"""Run the benchmarks and write down what they found."""

import argparse
import importlib
import json
import pkgutil
import time
from pathlib import Path

import benchmarks
from benchmarks.support.report import Report, machine, markdown

RESULTS = Path(__file__).parent / "results"


def names() -> list[str]:
    """Return the modules that can be run: those of this package that have a function `run`."""
    found = [each.name for each in pkgutil.iter_modules(benchmarks.__path__) if not each.ispkg]
    return [
        name
        for name in found
        if name != "__main__" and hasattr(importlib.import_module(f"benchmarks.{name}"), "run")
    ]


def main(arguments: list[str] | None = None) -> None:
    """Run some benchmarks; the results of the others stay as they were."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "name", nargs="*", metavar="NAME", help=f"which ones, all by default: {', '.join(names())}"
    )
    wanted = parser.parse_args(arguments).name
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        parser.error(f"no benchmark has the name {unknown[0]!r}; there are {', '.join(names())}")
    path = RESULTS / "latest.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    RESULTS.mkdir(exist_ok=True)
    for name in wanted or names():
        print(f"== {name}", flush=True)
        report = Report()
        started = time.monotonic()
        importlib.import_module(f"benchmarks.{name}").run(report)
        results[name] = {"machine": machine(), **report.as_json()}
        print(f"   {time.monotonic() - started:.0f} s\n", flush=True)
        path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        (RESULTS / "latest.md").write_text(markdown(results))


if __name__ == "__main__":
    main()
