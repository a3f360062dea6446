"""Look at a process from outside: memory, open files and sockets, threads, tasks."""

import os
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.servers import memory_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What a process held at one moment."""

    seconds: float
    """Since the beginning of the run."""
    memory: float
    """Megabytes."""
    files: int
    sockets: int
    threads: int
    tasks: int


def look(process_id: int, seconds: float, tasks: int) -> Vitals:
    """Return what a process holds now."""
    folder = Path(f"/proc/{process_id}")
    targets = []
    for link in (folder / "fd").iterdir():
        try:
            targets.append(os.readlink(link))
        except FileNotFoundError:
            # Closed since the folder was read.
            continue
    sockets = sum(target.startswith("socket:") for target in targets)
    return Vitals(
        seconds=seconds,
        memory=memory_of(process_id),
        files=len(targets) - sockets,
        sockets=sockets,
        threads=len(list((folder / "task").iterdir())),
        tasks=tasks,
    )


def ask_tasks(process_id: int, file: Path) -> int:
    """Return how many tasks a watched program has; see `benchmarks.support.watched`."""
    file.unlink(missing_ok=True)
    os.kill(process_id, signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while not (file.exists() and (text := file.read_text()).endswith("\n")):
        if time.monotonic() > deadline:
            raise TimeoutError("the program does not say how many tasks it has")
        time.sleep(0.01)
    return int(text)


def thirds(
    history: Sequence[Vitals], read: Callable[[Vitals], float]
) -> tuple[float, float, float]:
    """Return the median of each third of a history."""
    size = max(1, len(history) // 3)
    parts = (history[:size], history[size : 2 * size] or history, history[-size:])
    first, second, last = (statistics.median(map(read, part)) for part in parts)
    return first, second, last
