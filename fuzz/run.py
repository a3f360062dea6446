"""Run a target under the coverage-guided fuzzer, in a process of its own.

The fuzzer ends its process when it is done, and instruments modules as they are imported. So the
modules are imported once, here, and each target is a child that begins with them.
"""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import atheris

from fuzz.mutation import mutate
from fuzz.target import Form, Target

_BYTES_SHARE = 0.25
"""How often bytes are turned even where the input is a document."""
# The sum is printed only where nothing crashed.
_EXECUTED = re.compile(r"^(?:#|stat::number_of_executed_units:\s*)(\d+)", re.MULTILINE)
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a run ends, and how long inputs may be."""

    runs: int
    seconds: int
    seed: int
    largest: int = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to."""

    target: str
    executions: int
    coverage: int
    features: int
    inputs: int
    crashed: bool


def run(target: Target, limits: Limits, *, folders: list[Path], crashes: Path) -> Outcome:
    """Fuzz a target; what is found goes into the first folder, what crashed into `crashes`."""
    crashes.mkdir(parents=True, exist_ok=True)
    arguments = [
        *map(str, folders),
        f"-runs={limits.runs}",
        f"-max_total_time={limits.seconds}",
        f"-seed={limits.seed}",
        f"-max_len={limits.largest}",
        f"-artifact_prefix={crashes}/{target.name}-",
        "-timeout=25",
        "-print_final_stats=1",
        "-reload=0",
    ]
    log = crashes / f"{target.name}.log"
    code = _in_a_child(lambda: _fuzz(target, arguments, limits.seed, crashes), log)
    return _outcome(target.name, log.read_text(errors="replace"), code)


def merge(target: Target, *, into: Path, folders: list[Path], log: Path) -> None:
    """Put into a folder the fewest inputs that reach what those of all folders do."""
    into.mkdir(parents=True, exist_ok=True)
    arguments = ["-set_cover_merge=1", "-max_len=1500", str(into), *map(str, folders)]

    def work() -> None:
        # The fuzzer hands its own name to a shell, to start another one that reads the inputs.
        name = f"{sys.executable} -m fuzz.merging {target.name}"
        atheris.Setup([name, *arguments], target.check)
        atheris.Fuzz()

    _in_a_child(work, log)


def _fuzz(target: Target, arguments: list[str], seed: int, crashes: Path) -> None:
    random = Random(seed)

    def check(data: bytes) -> None:
        try:
            target.check(data)
        except BaseException:
            # The fuzzer itself keeps only inputs that take too long.
            name = f"{target.name}-crash-{sha256(data).hexdigest()[:16]}"
            (crashes / name).write_bytes(data)
            raise

    def mutator(data: bytes, largest: int, _: int) -> bytes:
        if target.form is Form.JSON and random.random() > _BYTES_SHARE:
            changed = mutate(data, random, largest)
            if changed is not None:
                return changed
        return bytes(atheris.Mutate(data, largest))

    atheris.Setup([sys.argv[0], *arguments], check, custom_mutator=mutator)
    atheris.Fuzz()


def _in_a_child(work: Callable[[], None], log: Path) -> int:
    child = os.fork()
    if not child:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        try:
            work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _outcome(name: str, log: str, code: int) -> Outcome:
    executed = _EXECUTED.findall(log)
    progress = _COVERAGE.findall(log)
    coverage, features, inputs = map(int, progress[-1]) if progress else (0, 0, 0)
    return Outcome(
        target=name,
        executions=int(executed[-1]) if executed else 0,
        coverage=coverage,
        features=features,
        inputs=inputs,
        crashed=code != 0,
    )
