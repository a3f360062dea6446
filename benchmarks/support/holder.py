"""Hold what a running exporter holds: `python -m benchmarks.support.holder JOBS CYCLES SHARE`.

Everything is imported; a tracker remembers the rows and details of each job; the store and the page
are filled from it. Each cycle is a poll: all rows come anew, a share of the jobs is replaced by
others, whose details are asked. Prints the memory after each cycle.
"""

import json
import sys
from random import Random

from benchmarks.support import fleet
from benchmarks.support.servers import memory_of
from exporter import cli
from exporter.collecting.job_tracker import JobTracker
from exporter.collecting.store import Store
from exporter.configuration.checking import parse_text
from exporter.exposition import Exposition
from exporter.fields import Flaws
from exporter.source import Inventory
from exporter.telemetry.telemetry import Telemetry

_CONFIG = """
sources:
  - {name: dli-prod, platform: huawei_dli, region: cn-north-4, project_id: p,
     auth: {access_key: a, secret_key: b}}
"""


def main(count: int, cycles: int, share: float) -> None:
    """Poll so often."""
    (source,) = parse_text(_CONFIG, {}).sources
    job_tracker = JobTracker(source.settings, supersedes=False, random=Random(1))
    store, telemetry = Store(), Telemetry()
    telemetry.add_source(fleet.SOURCE, "huawei_dli")
    now = fleet.NOW
    exposition = Exposition(store, telemetry.registry, clock=lambda: now)
    numbers = list(range(count))
    new, later = numbers, count
    for cycle in range(cycles):
        now = fleet.NOW + 30.0 * cycle
        rows = tuple(fleet.row(number, now) for number in numbers)
        job_tracker.note_inventory(Inventory(jobs=rows, flaws=Flaws()), now)
        del rows
        for number in new:
            job_tracker.note_details(fleet.details(number, now), now)
        store.put(fleet.with_jobs(job_tracker.jobs(now), now))
        exposition.refresh()
        _, chunks = exposition.answer(accept="", accept_encoding="gzip")
        size = sum(map(len, chunks))
        print(json.dumps({"memory": memory_of("self"), "page": size}), flush=True)
        new = []
        for _ in range(int(count * share)):
            # The oldest leave, as replaced jobs do.
            numbers.pop(0)
            new.append(later)
            later += 1
        numbers += new
    print(json.dumps({"most": memory_of("self", "VmHWM"), "module": cli.__name__}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
