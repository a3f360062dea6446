"""Write rules and dashboards with addresses of your own: `make monitoring EXPORTER_URL=…`.

What is checked in leads to this machine, so that a demo works as it is. Nobody else's browser finds
an exporter there. In another language alerts lead to its runbooks and speak it themselves.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from deploy.generate import prometheus_rules
from grafana.alert_texts import alert_texts, put_texts
from grafana.source.addresses import EXPORTER, FLINK

ROOT = Path(__file__).parents[1]
_COPIED = ("prometheus/rules/*.yml", "grafana/dashboards/*.json", "grafana/upload/*.json")
_ADDRESS = re.compile(r"https?://[\w.:/~%\[\]-]+")
_RUNBOOKS = "/runbooks/"
_DASHBOARD = "dashboard_url: /d/"
_LANGUAGES = ("", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where people reach what links lead to; no address ends in a slash."""

    exporter: str = EXPORTER
    flink: str = FLINK
    grafana: str = ""
    """Empty where alerts shall hold the path alone."""
    language: str = ""
    """Of alerts and of the runbooks that they lead to; empty for English."""

    def put_into(self, text: str) -> str:
        """Return a rule file or a dashboard with these addresses in place of the shipped ones."""
        language = f"{self.language}/" if self.language else ""
        placed = {
            f"{EXPORTER}{_RUNBOOKS}": f"{self.exporter}{_RUNBOOKS}{language}",
            EXPORTER: self.exporter,
            FLINK: self.flink,
            _DASHBOARD: f"dashboard_url: {self.grafana}/d/",
        }
        # All at once: one could be found in what has taken the place of another.
        return re.sub("|".join(map(re.escape, placed)), lambda found: placed[found[0]], text)


def addressed(addresses: Addresses) -> Iterator[tuple[Path, str]]:
    """Yield the place of each file below the folder they go to, and its text."""
    rules = {}
    for pattern in _COPIED:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text("utf-8")
            if addresses.language and path.parent.name == "rules":
                text = put_texts(text, alert_texts(addresses.language))
            text = addresses.put_into(text)
            if path.parent.name == "rules":
                rules[path.stem] = text
            yield Path(path.parent.name, path.name), text
    yield Path("kubernetes", "rules.yml"), prometheus_rules(rules)


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Write all files; return the exit code."""
    options = _parser().parse_args(arguments)
    addresses = Addresses(
        exporter=options.exporter or EXPORTER,
        flink=options.flink or FLINK,
        grafana=options.grafana,
        language=options.language,
    )
    for path, text in addressed(addresses):
        target = options.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        out.write(f"{target}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="grafana.addressed", description=__doc__)
    parser.add_argument("--exporter", type=_address, default="", metavar="URL")
    parser.add_argument("--flink", type=_address, default="", metavar="URL")
    parser.add_argument("--grafana", type=_address, default="", metavar="URL")
    parser.add_argument("--language", choices=_LANGUAGES, default="")
    parser.add_argument("folder", type=Path)
    return parser


def _address(text: str) -> str:
    """Return an address without the slash at its end; an empty one stands for none."""
    if text and not _ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"not an address: {text}")
    return text.rstrip("/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
