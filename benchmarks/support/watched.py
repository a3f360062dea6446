"""Run the real program and say on demand how many tasks its event loop has.

`python -m benchmarks.support.watched FILE ARGUMENT ...`: at each SIGUSR1 the number is written into
the file. Everything else about a process can be seen from outside.
"""

import asyncio
import signal
import sys
from pathlib import Path
from types import FrameType

from exporter import cli


def main(file: Path, arguments: list[str]) -> int:
    """Run the program with these arguments; return its exit code."""

    def count(number: int, frame: FrameType | None) -> None:
        # The handler runs between two callbacks of the loop, or within one.
        tasks = asyncio.all_tasks(asyncio.get_running_loop())
        file.write_text(f"{len(tasks)}\n")

    signal.signal(signal.SIGUSR1, count)
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
