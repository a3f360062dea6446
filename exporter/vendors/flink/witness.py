"""Say who can tell how a job ended when its Flink cluster has left."""

from typing import Protocol

from exporter.model import Job


class Witness(Protocol):
    """Somebody who survives a cluster: the HistoryServer, for one."""

    async def tell_end(self, job: Job) -> Job | None:
        """Return the job as it ended; None when that is not known, or not yet.

        Raises FetchError when the witness could not be asked.
        """

    async def check(self) -> None:
        """Make sure that it is what it is taken for, and answers. Raises FetchError."""

    async def aclose(self) -> None:
        """Close what was opened."""
