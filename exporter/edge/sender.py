"""Send a report from the command line: for scripts without an agent, and for health checks."""

import json
import uuid

import httpx

from exporter.errors import FetchError, Reason
from exporter.pacing import parse_retry_after
from exporter.runtime import Runtime
from exporter.upstream.refusals import by_status, safe_code, safe_detail

OPERATION = "edge-report"
_TRIES = 3
_LONGEST_WAIT = 30.0
_TIMEOUT = 10.0


def build_report(*, job_id: int | None, status: str | None, now: float) -> bytes:
    """Return a report of one job; of none when no status is given, which only tries the way."""
    jobs = []
    if status is not None:
        job: dict[str, object] = {"status": status, "create_time": int(now * 1000)}
        if job_id is not None:
            job["job_id"] = job_id
        jobs.append(job)
    return json.dumps({"jobs": jobs, "message_id": str(uuid.uuid4())}).encode()


async def send_report(url: str, project: str, token: str, body: bytes, *, runtime: Runtime) -> str:
    """Send a report until it is acknowledged; return the answer's message. Raises FetchError."""
    try:
        transport = runtime.transport() if runtime.transport is not None else None
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=_TIMEOUT
        ) as client:
            for tries_left in reversed(range(_TRIES)):
                answer = await client.post(
                    f"{url.rstrip('/')}/v1/{project}/edgesrv/job-report",
                    content=body,
                    headers={"X-Auth-Token": token, "Content-Type": "application/json"},
                )
                if answer.status_code not in (429, 503) or not tries_left:
                    break
                # The same body again: its message_id tells that it is the same report.
                pause = parse_retry_after(answer.headers.get("retry-after"), runtime.clock())
                await runtime.sleep(min(pause or 1.0, _LONGEST_WAIT))
    except httpx.TimeoutException as exc:
        raise FetchError(Reason.TIMEOUT, OPERATION) from exc
    except (httpx.TransportError, httpx.InvalidURL, ValueError) as exc:
        # A ValueError is a token or project that no header or URL can hold.
        raise FetchError(Reason.CONNECTION, OPERATION, detail=type(exc).__name__) from None
    return _read(answer)


def _read(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        document = None
    found = document if isinstance(document, dict) else {}
    if answer.status_code == httpx.codes.OK:
        return safe_detail(found.get("message"))
    refusal = by_status(answer.status_code)
    raise FetchError(
        refusal.reason,
        OPERATION,
        status=answer.status_code,
        code=safe_code(found.get("error_code")),
        detail=safe_detail(found.get("error_msg")),
    )
