"""Render the metric families as text, and keep the page ready for whoever scrapes.

From the inside out: `families` writes the lines of many jobs, `deflated_text` compresses them,
`blocks` and `sources` keep them while nothing changes, `page` puts them together, `self_metrics`
prints the exporter's own metrics, `cache` holds the page that is shown, `endpoint` sends it.
"""

from exporter.exposition.cache import Exposition
from exporter.exposition.endpoint import MetricsEndpoint
from exporter.exposition.negotiation import OPENMETRICS, TEXT, wants_gzip, wants_openmetrics
from exporter.telemetry.sample_lines import LineWriter, escape, format_value

__all__ = [
    "OPENMETRICS",
    "TEXT",
    "Exposition",
    "LineWriter",
    "MetricsEndpoint",
    "escape",
    "format_value",
    "wants_gzip",
    "wants_openmetrics",
]
