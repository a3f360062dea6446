"""A part that could not be had beside a good listing is counted and said once."""

import asyncio

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.source import Inventory
from tests.collecting.scripted_source import Bench, ScriptedSource
from tests.jobs import job
from tests.virtual_time import EPOCH, run


def test_part_of_the_inventory_that_failed_leaves_the_source_up() -> None:
    failure = FetchError(Reason.INVALID_RESPONSE, "/config", status=404, detail="no Flink")

    def listing(now: float) -> Inventory:
        return Inventory(jobs=(job("a").at(EPOCH + now),), failures=(failure,), flaws=Flaws())

    async def story() -> Bench:
        bench = Bench(ScriptedSource(listing))
        await bench.collector.poll()
        await asyncio.sleep(30)
        await bench.collector.poll()
        return bench

    bench = run(story())
    assert bench.collector.snapshot.up
    assert bench.value("streaming_source_detail_failures_total", reason="invalid_response") == 2
    assert bench.log.said() == ["a part of what is asked could not be had"]
