"""Write the lines about problems of jobs, again only when there are others."""

from collections.abc import Iterator
from itertools import islice

from exporter.exposition.deflated_text import DeflatedText, Deflater
from exporter.exposition.metrics import PROBLEM_FAMILY
from exporter.model import Snapshot
from exporter.telemetry.sample_lines import LineWriter

_LINES_A_PIECE = 200


def render_problems(snapshot: Snapshot, deflater: Deflater) -> Iterator[DeflatedText]:
    """Yield the lines of the problems of a source in pieces, each within a millisecond or two."""
    writer = LineWriter(PROBLEM_FAMILY.name, {}, PROBLEM_FAMILY.labels)
    samples = iter(PROBLEM_FAMILY.samples(snapshot))
    while some := list(islice(samples, _LINES_A_PIECE)):
        lines = [writer.line(values, number) for values, number in some]
        yield deflater.piece("".join(lines).encode())
