"""Tell from the headers of a request which form of the page is wanted."""

from collections.abc import Callable

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def wants_openmetrics(accept: str) -> bool:
    """Say whether an Accept header prefers OpenMetrics to the text format."""
    weights = _weights(accept)
    openmetrics_weight = weights("application/openmetrics-text")
    return openmetrics_weight > 0 and openmetrics_weight >= weights("text/plain")


def wants_gzip(accept_encoding: str) -> bool:
    """Say whether an Accept-Encoding header allows gzip by name."""
    return _weights(accept_encoding)("gzip") > 0


def _weights(header: str) -> Callable[[str], float]:
    found: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        found[name.lower()] = max(weight, found.get(name.lower(), 0.0))
    return lambda name: found.get(name, 0.0)
