"""Read what stands behind a flag, or refuse it before anything begins."""

import argparse
import re


def telemetry_path(text: str) -> str:
    """Return the path of the metrics, which nothing else is at."""
    taken = f"{text}/".startswith(("/-/", "/api/", "/static/", "/job/", "/runbooks/"))
    if taken or not re.fullmatch(r"/[A-Za-z0-9_.~/-]+", text):
        raise argparse.ArgumentTypeError("expected a path such as /metrics")
    return text


def count(text: str) -> int:
    """Return a number of jobs, or of a process."""
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)


def connections(text: str) -> int:
    """Return a number of connections."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:7]) <= 100_000:
        raise argparse.ArgumentTypeError("expected a number of connections")
    return int(text)


def job_id(text: str) -> int:
    """Return the id of a job, which is a number of 64 bits."""
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)
