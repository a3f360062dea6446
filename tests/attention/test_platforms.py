"""Where a rescaled job counts as restarted, its platform says so."""

from exporter import platforms


def test_flink_however_it_is_run_counts_rescalings_as_restarts() -> None:
    found = {name for name in platforms.names() if platforms.load(name).rescales}
    assert found == {"apache_flink", "flink_operator"}
