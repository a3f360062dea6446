"""Tell failures of a cloud's monitoring service apart from those of the platform it watches.

Cloud Eye, Cloud Monitor and CloudWatch measure jobs that others run. A right that is missing there
says nothing of the credentials of the source, and a service that is down nothing of its states: who
is woken by those must not be woken by this.
"""

from exporter.errors import FetchError, Reason


def as_monitoring(error: FetchError) -> FetchError:
    """Return a failure of a monitoring service as one; the reason it had begins its detail."""
    if error.reason is Reason.MONITORING:
        return error
    detail = ": ".join(text for text in (error.reason.value, error.detail) if text)
    return FetchError(
        Reason.MONITORING, error.operation, status=error.status, code=error.code, detail=detail
    )
