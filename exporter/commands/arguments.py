"""Describe the command line: its commands, their flags, and what may stand behind each flag."""

import argparse
import re

from exporter import __version__
from exporter.listening.connections import MOST_CONNECTIONS
from exporter.process.logs import FORMATS, LEVELS

STORIES = ("down", "throttled", "rejected", "vanished")
"""What can go wrong in the demo. The simulator, which knows more of each, is loaded by it alone."""


def _telemetry_path(text: str) -> str:
    taken = f"{text}/".startswith(("/-/", "/api/", "/static/", "/job/", "/runbooks/"))
    if taken or not re.fullmatch(r"/[A-Za-z0-9_.~/-]+", text):
        raise argparse.ArgumentTypeError("expected a path such as /metrics")
    return text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)


def _connections(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:7]) <= 100_000:
        raise argparse.ArgumentTypeError("expected a number of connections")
    return int(text)


def _job_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise argparse.ArgumentTypeError("expected a whole number")
    return int(text)


def common_arguments(*, defaults: bool) -> argparse.ArgumentParser:
    """Return the flags that every command takes, before or after its name.

    A sub-command's own defaults would overwrite what was given before its name, so it has none.
    """

    def default(value: str) -> str:
        return value if defaults else argparse.SUPPRESS

    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--config.file",
        dest="config_file",
        metavar="FILE",
        default=default("exporter.yml"),
        help="configuration file (default: exporter.yml)",
    )
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=LEVELS,
        default=default("info"),
        help="least level that is logged (default: info)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=FORMATS,
        default=default("logfmt"),
        help="(default: logfmt)",
    )
    parser.add_argument(
        "--web.listen-address",
        dest="web_listen_address",
        metavar="ADDRESS",
        default=default(":10370"),
        help="host:port, [host]:port or :port (default: :10370)",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        metavar="PATH",
        type=_telemetry_path,
        default=default("/metrics"),
        help="path of the metrics (default: /metrics)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        default=default(""),
        help="TLS and users of the listener, in the format of Prometheus' exporters",
    )
    parser.add_argument(
        "--web.max-connections",
        dest="web_max_connections",
        metavar="N",
        type=_connections,
        default=default(str(MOST_CONNECTIONS)),
        help=f"connections at a time (default: {MOST_CONNECTIONS})",
    )
    parser.add_argument(
        "--shard",
        metavar="N",
        default=default("0"),
        help="which of the shards this is, from 0, or auto: as the pod is numbered (default: 0)",
    )
    parser.add_argument(
        "--total-shards",
        metavar="N",
        default=default("1"),
        help="how many exporters share the jobs (default: 1)",
    )
    return parser


def build_parser() -> argparse.ArgumentParser:
    """Return what understands the command line.

    It sets `command` to the name of the module that does what is asked for: `serve` when no command
    is named.
    """
    parser = argparse.ArgumentParser(
        prog="streaming-job-exporter",
        description="Prometheus exporter of managed streaming jobs.",
        parents=[common_arguments(defaults=True)],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(command="serve")
    commands = parser.add_subparsers(metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, parents=[common_arguments(defaults=False)], help=text, allow_abbrev=False
        )
        added.set_defaults(command=name.replace("-", "_"))
        return added

    check = command("check-config", "validate the configuration")
    check.add_argument(
        "--online", action="store_true", help="also log in and try each API; print a table"
    )
    well = command("healthy", "ask the exporter that runs with these flags if it is well")
    well.add_argument(
        "--pid", type=_count, metavar="N", help="the one of this process, with the flags it has"
    )
    command("once", "poll once and print the metrics")
    plan = command("plan", "print what the API calls cost")
    plan.add_argument(
        "--jobs", type=_count, default=100, help="running jobs a source is taken to have (100)"
    )
    plan.add_argument("--online", action="store_true", help="count the jobs there are instead")
    report = command("edge-report", "send a report of an edge job")
    report.add_argument(
        "--url", default="http://localhost:10370", help="of the exporter (http://localhost:10370)"
    )
    report.add_argument("--project", required=True, help="id of the project")
    report.add_argument("--token-file", required=True, metavar="FILE", help="its token")
    report.add_argument("--job-id", type=_job_id, metavar="N", help="id of the job")
    report.add_argument(
        "--status", metavar="WORD", help="such as job_running; without it no job is reported"
    )
    report.add_argument("--file", metavar="FILE", help="send this report as it is; - reads stdin")
    show = command("demo", "run against simulated clouds; needs no account")
    show.add_argument("--seed", type=int, default=1, help="what the simulated incidents are (1)")
    show.add_argument(
        "--story", choices=tuple(STORIES), help="what goes wrong; all of them in turn without it"
    )
    return parser
