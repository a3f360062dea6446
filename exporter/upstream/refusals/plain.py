"""Understand refusals of plain HTTP services, such as Flink's REST API.

Flink answers errors with `{"errors": ["...", "<stack trace>"]}`. Neither is repeated anywhere: the
status says enough, and a stack trace can quote job arguments.
"""

from exporter.upstream.refusals import Answer, Refusal, by_status


def read_refusal(answer: Answer) -> Refusal | None:
    """Return why an answer is a refusal, or None when it is none."""
    if 200 <= answer.status < 300:
        return None
    return by_status(answer.status)
