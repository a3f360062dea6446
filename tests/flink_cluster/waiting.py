"""Ask a process that may not be there yet."""

from collections.abc import Callable

import httpx


def holds(condition: Callable[[], bool]) -> bool:
    """Say whether a condition holds; an HTTP failure counts as not yet."""
    try:
        return condition()
    except httpx.HTTPError:
        return False
