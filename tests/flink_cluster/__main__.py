"""Run a cluster by hand, or record its answers anew.

Start with `python -m tests.flink_cluster run` or `python -m tests.flink_cluster record FOLDER`.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.flink_cluster.cluster import FlinkCluster
from tests.flink_cluster.distribution import FlinkDistribution
from tests.flink_cluster.figures import hold
from tests.flink_cluster.freezes import measure
from tests.flink_cluster.jobs import JobSpec
from tests.flink_cluster.recorder import record_samples

_SUMMARY = "Run a real Flink by hand, or record its answers anew."

_SHOWN = (
    JobSpec(name="orders", kind="running"),
    JobSpec(name="nightly", kind="finishing"),
    JobSpec(name="broken", kind="failing"),
    JobSpec(name="looping", kind="crash_looping"),
    JobSpec(name="late", kind="late_stream"),
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.flink_cluster", description=_SUMMARY)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="keep a cluster with a few jobs until Ctrl-C")
    run.add_argument("--port", type=int, help="of the REST API; a free one by default")
    record = commands.add_parser("record", help="record REST answers and end")
    record.add_argument("folder", type=Path)
    figures = commands.add_parser("figures", help="hold what the exporter tells against the truth")
    figures.add_argument("--minutes", type=float, default=10)
    figures.add_argument("--detail", default="40s", help="detail_interval of the exporter")
    freezes = commands.add_parser("freezes", help="measure how long delays outlive a freeze")
    freezes.add_argument("--times", type=int, default=8)
    freezes.add_argument("--detail", default="40s", help="detail_interval of the exporter")
    freezes.add_argument("--alone", action="store_true", help="with one job, not two")
    return parser


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Obey the command line."""
    options = _parser().parse_args()
    # A plain kill then unwinds the stack, as Ctrl-C does, and stops the cluster.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.command == "figures":
        _print(hold(options.minutes, options.detail, _say).lines())
        return
    if options.command == "freezes":
        _print(measure(options.times, options.detail, _say, alone=options.alone).lines())
        return
    port = getattr(options, "port", None)
    with (
        tempfile.TemporaryDirectory() as workdir,
        FlinkCluster(FlinkDistribution.locate(), Path(workdir), rest_port=port) as cluster,
    ):
        if options.command == "record":
            record_samples(cluster, options.folder)
            return
        sys.stdout.write(f"{cluster.url}\n")
        for name, jid in cluster.submit(_SHOWN).items():
            sys.stdout.write(f"{jid}  {name}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
