"""Fuzz some targets, or all: `python -m fuzz --runs N [--seconds S] [TARGET ...]`."""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import atheris

# The fuzzer names every module that it instruments.
with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["exporter"]):
    from fuzz import targets

from fuzz.run import Limits, Outcome, merge, run
from fuzz.target import ROOT, Target

_WORK = ROOT.parent / ".cache" / "fuzz"


def main() -> int:
    """Run what the arguments say; return 1 when anything crashed."""
    known = targets.all_targets()
    options = _options(list(known))
    chosen = [known[name] for name in options.targets or known]
    if options.keep:
        for target in chosen:
            _keep(target, options.work)
        return 0
    limits = Limits(runs=options.runs, seconds=options.seconds, seed=options.seed)
    outcomes = [_run(target, limits, options.work) for target in chosen]
    total = sum(each.executions for each in outcomes)
    crashed = [each.target for each in outcomes if each.crashed]
    print(f"{total:,} executions of {len(outcomes)} targets, {len(crashed)} crashed")
    for name in crashed:
        print(f"crashed: {name}, see {options.work / 'crashes'}/{name}*")
    return 1 if crashed else 0


def _run(target: Target, limits: Limits, work: Path) -> Outcome:
    found = work / "corpus" / target.name
    found.mkdir(parents=True, exist_ok=True)
    with _unpacked(target) as folder:
        outcome = run(target, limits, folders=[found, folder], crashes=work / "crashes")
    print(
        f"{outcome.target:20} {outcome.executions:>10,} executions, coverage {outcome.coverage}, "
        f"features {outcome.features}, {outcome.inputs} inputs"
        f"{', CRASHED' if outcome.crashed else ''}",
        flush=True,
    )
    return outcome


def _keep(target: Target, work: Path) -> None:
    """Make a corpus of what earlier runs have found, and of what there is."""
    found = work / "corpus" / target.name
    with _unpacked(target) as folder, tempfile.TemporaryDirectory() as name:
        chosen = Path(name)
        folders = [folder, found] if found.is_dir() else [folder]
        merge(target, into=chosen, folders=folders, log=work / f"{target.name}-merge.log")
        targets.keep(target, [path.read_bytes() for path in chosen.iterdir()])


@contextlib.contextmanager
def _unpacked(target: Target) -> Iterator[Path]:
    """Give a folder with every input there is for a target."""
    with tempfile.TemporaryDirectory() as name:
        for number, data in enumerate(targets.inputs_of(target)):
            (Path(name) / f"{number}").write_bytes(data)
        yield Path(name)


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(names)}")
    parser.add_argument("--runs", type=int, default=-1, help="executions of each target")
    parser.add_argument("--seconds", type=int, default=0, help="time for each target")
    parser.add_argument("--seed", type=int, default=1, help="what the inputs are made from")
    parser.add_argument("--work", type=Path, default=_WORK, help="where what is found goes")
    parser.add_argument(
        "--keep", action="store_true", help="add what earlier runs found to the corpus instead"
    )
    options = parser.parse_args()
    if unknown := set(options.targets) - set(names):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if not options.keep and options.runs < 0 and not options.seconds:
        parser.error("give --runs or --seconds: without them it would never end")
    return options


if __name__ == "__main__":
    sys.exit(main())
