"""Write the dashboards: `python -m grafana.generate` after every change of their source."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from grafana.source import exporter_itself, job, overview
from grafana.source.board import for_upload
from grafana.source.panels import Json

HERE = Path(__file__).parent


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file with its text."""
    for build in (overview.build, job.build, exporter_itself.build):
        board = build()
        name = f"{board['uid']}.json"
        yield HERE / "dashboards" / name, _text(board)
        yield HERE / "upload" / name, _text(for_upload(board))


def main(out: TextIO) -> int:
    """Write all files; return the exit code."""
    for path, text in generated():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        out.write(f"{path.relative_to(HERE.parent)}\n")
    return 0


def _text(board: Json) -> str:
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.stdout))
