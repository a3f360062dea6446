"""State what any source of Flink jobs can be told about the figures of its jobs."""

from exporter.source import SourceSettings
from exporter.vendors.flink.measures import Wanted


class FigureSettings(SourceSettings):
    """Which figures are read of the vertices of a job, each of which takes calls."""

    input_delay: bool = True
    throughput: bool | None = None
    """As `input_delay` where it is not given: most of it comes with the same calls."""
    busy: bool = False

    @property
    def wanted(self) -> Wanted:
        """Return what is asked of the vertices of a job."""
        throughput = self.input_delay if self.throughput is None else self.throughput
        return Wanted(input_delay=self.input_delay, throughput=throughput, busy=self.busy)
