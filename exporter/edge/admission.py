"""Decide who may report, and how often; before anything of a report is read."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.edge.settings import EdgeSettings
from exporter.pacing import Clock
from exporter.secret import Secret


class Result(StrEnum):
    """What became of a report: the values of the `result` label."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    INVALID = "invalid"
    CONFLICT = "conflict"
    UNAUTHORIZED = "unauthorized"
    UNKNOWN_PROJECT = "unknown_project"
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    TOO_MANY_JOBS = "too_many_jobs"
    UNAVAILABLE = "unavailable"


STATUSES: Mapping[Result, int] = {
    Result.INVALID: 400,
    Result.CONFLICT: 400,
    Result.UNAUTHORIZED: 401,
    Result.UNKNOWN_PROJECT: 404,
    Result.TOO_LARGE: 413,
    Result.THROTTLED: 429,
    Result.TOO_MANY_JOBS: 429,
    Result.UNAVAILABLE: 503,
}
"""The HTTP status of each refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is answered to a report."""

    result: Result
    message: str = ""
    retry_after: float | None = None
    """Seconds after which another try makes sense."""


ACCEPTED = Verdict(result=Result.ACCEPTED)


_LOOK_EVERY = 1.0
"""Seconds after which a token file is looked at again; a look costs a tenth of a whole report."""


class _Bucket:
    """Let through so many reports a second, and that many at once."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._burst = max(1.0, rate)
        self._tokens = self._burst
        self._updated = now

    def take(self, now: float) -> float:
        """Take one token; return 0, or the seconds until there will be one."""
        passed = max(0.0, now - self._updated)
        self._updated = now
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


class _Tokens:
    """The tokens of one project; of several lines each is one, so that they can be replaced."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._tokens: tuple[bytes, ...] = ()
        self._look_at = float("-inf")

    def accept(self, given: bytes, now: float) -> bool:
        """Say whether a token is right, taking as long whether it is or not."""
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            lines = (line.strip().encode() for line in self._secret.reveal().splitlines())
            self._tokens = tuple(line for line in lines if line)
        # All are compared, so that the time tells nothing about which one was close.
        return any([hmac.compare_digest(given, token) for token in self._tokens])


class Admission:
    """Who is admitted: which project, which token, how often."""

    def __init__(self, settings: EdgeSettings, *, monotonic: Clock) -> None:
        self._monotonic = monotonic
        now = monotonic()
        self._projects: dict[str, tuple[_Tokens, _Bucket]] = {}
        for project, each in settings.projects.items():
            secret = each.secret("token")
            if secret is not None:
                self._projects[project] = (_Tokens(secret), _Bucket(settings.rate_limit, now))

    def judge(self, project: str, token: bytes) -> Verdict | None:
        """Return why a report is not taken, or None when it may come in."""
        known = self._projects.get(project)
        if known is None:
            return Verdict(result=Result.UNKNOWN_PROJECT, message="project_id: no such project")
        tokens, bucket = known
        now = self._monotonic()
        if not tokens.accept(token, now):
            message = "X-Auth-Token: required" if not token else "X-Auth-Token: not accepted"
            return Verdict(result=Result.UNAUTHORIZED, message=message)
        pause = bucket.take(now)
        if pause > 0:
            message = "too many reports of this project"
            return Verdict(result=Result.THROTTLED, message=message, retry_after=pause)
        return None
