"""Write jobs and sources as JSON, the way /api/v1 tells them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from exporter.model import GoneJob, Job, Node, Problem, ProblemKind, Snapshot, latest_gone

_NODE_FIELDS = tuple(field.name for field in fields(Node))
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_MOST_LEFT = 200
"""Told of one source of each way to leave: the page is written in one piece."""
_ASKED_OF_SOURCES = ("source", "platform")
_ASKED_OF_JOBS = ("project", "state", "job_id", "job_name")
ASKED = (*_ASKED_OF_SOURCES, *_ASKED_OF_JOBS)
"""The fields that a query can ask for."""

Wanted = Mapping[str, frozenset[str]]
"""The values that are asked for, by field."""


def encode_job(job: Job, snapshot: Snapshot, problems: Sequence[Problem] = ()) -> str:
    """Return a job of a snapshot, with what is wrong with it, as a JSON object."""
    entry: dict[str, Any] = {"source": snapshot.source, "platform": snapshot.platform}
    entry |= job._asdict()
    entry["tasks"] = dict(job.tasks)
    entry["other_metrics"] = dict(job.other_metrics)
    entry["nodes"] = [{name: getattr(node, name) for name in _NODE_FIELDS} for node in job.nodes]
    entry["labels"] = dict(snapshot.labels)
    entry["problems"] = _problems(problems)
    return _ENCODER.encode(entry)


def encode_source(snapshot: Snapshot, unseen: Sequence[Sequence[Problem]] = ()) -> str:
    """Return what is known of a source itself as a JSON object.

    `unseen` are the problems of each job that is shown no longer; those that are gone are told as
    such already.
    """
    unseen = [told for told in unseen if told[0].kind is not ProblemKind.GONE]
    return _ENCODER.encode(
        {
            "source": snapshot.source,
            "platform": snapshot.platform,
            "up": snapshot.up,
            "failure": snapshot.failure,
            "last_success_timestamp": snapshot.last_success_timestamp,
            "last_poll_timestamp": snapshot.last_poll_timestamp,
            "next_poll_timestamp": snapshot.next_poll_timestamp,
            "poll_duration_seconds": snapshot.poll_duration_seconds,
            "jobs": len(snapshot.jobs) if snapshot.counts_jobs else None,
            "absent": list(snapshot.absent),
            "gone_jobs": len(snapshot.gone),
            "gone": [_gone(gone) for gone in latest_gone(snapshot, _MOST_LEFT)],
            "unseen_jobs": len(unseen),
            "unseen": [_unseen(told) for told in unseen[:_MOST_LEFT]],
            "clusters": _clusters(snapshot),
            "labels": dict(snapshot.labels),
        }
    )


def _gone(gone: GoneJob) -> dict[str, Any]:
    return {
        "project": gone.key.project,
        "job_id": gone.key.job_id,
        "job_name": gone.job_name,
        "last_state": gone.last_state,
        "last_seen_timestamp": gone.last_seen_timestamp,
        "gone_timestamp": gone.gone_timestamp,
    }


def _unseen(problems: Sequence[Problem]) -> dict[str, Any]:
    worst = problems[0]
    return {
        "project": worst.key.project,
        "job_id": worst.key.job_id,
        "job_name": worst.job_name,
        "problems": _problems(problems),
    }


def _problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{"problem": each.kind, "since": each.since_timestamp} for each in problems]


def _clusters(snapshot: Snapshot) -> Any:
    counts = snapshot.clusters
    if counts is None:
        return None
    return {
        **{condition.value: count for condition, count in counts.by_condition},
        "named": [
            {"name": each.name, "condition": each.condition.value, "reason": each.reason}
            for each in counts.named
        ],
    }


def as_bytes(text: str) -> bytes:
    """Encode JSON; half a character, which UTF-8 cannot say, is spelt out as JSON can."""
    return text.encode("utf-8", "backslashreplace")


def source_asked(snapshot: Snapshot, wanted: Wanted) -> bool:
    """Say whether jobs of a source are asked for at all."""
    return all(
        getattr(snapshot, name) in wanted[name] for name in _ASKED_OF_SOURCES if name in wanted
    )


def job_asked(job: Job, wanted: Wanted) -> bool:
    """Say whether a job of such a source is asked for."""
    return all(getattr(job, name) in wanted[name] for name in _ASKED_OF_JOBS if name in wanted)
