"""Say in English what `--help` shows."""

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "usage": "usage: ",
        "usage.root": "%(prog)s [FLAG ...] [COMMAND [FLAG ...]]",
        "description": "Prometheus exporter of managed streaming jobs.",
        "default": "(default: {})",
        "group.commands": "commands",
        "group.own": "flags",
        "group.configuration": "configuration",
        "group.listener": "listener",
        "group.shards": "shards",
        "group.log": "log",
        "group.other": "other",
        "group.examples": "examples",
        "flag.--help": "show this and exit",
        "flag.--version": "print the version and exit",
        "flag.--config.file": "configuration file",
        "flag.--log.level": "least level that is logged",
        "flag.--log.format": "how lines are written",
        "flag.--web.listen-address": "host:port, [host]:port or :port",
        "flag.--web.telemetry-path": "path of the metrics",
        "flag.--web.config.file": "TLS and users of the listener, in the format of Prometheus' "
        "exporters",
        "flag.--web.max-connections": "connections at a time",
        "flag.--shard": "which of the shards this is, from 0, or auto: as the pod is numbered",
        "flag.--total-shards": "how many exporters share the jobs",
        "command.serve": "poll and serve: what is done when no command is named",
        "command.init": "write a configuration to begin with",
        "init.--platform": "what is to be watched; asked for when it is not given",
        "init.--name": "name of the source",
        "init.--region": "region of the cloud",
        "init.--endpoint": "address of the platform",
        "init.--project-id": "id of the project",
        "init.--project": "name of the project",
        "init.--workspace": "id of the workspace",
        "init.--namespace": "name of the namespace",
        "init.--output": "file to write; - is standard output",
        "init.--force": "write the file even if there is one",
        "ask.platform": "Which platform?",
        "ask.optional": " (empty: all, or the default one)",
        "ask.given-up": "no answer that can be used",
        "ask.empty": "An answer is needed here.",
        "ask.unknown": "{answer} is none of the platforms.",
        "ask.refused": "{answer} cannot be used: expected {expected}.",
        "ask.expected.region": "the code of a region, such as {example}",
        "ask.expected.endpoint": "http(s)://host[:port][/path], without credentials or query, "
        "such as {example}",
        "ask.expected.project-id": "up to 64 letters, digits, dashes or underscores",
        "ask.expected.project": "a name as the console has it",
        "ask.expected.workspace": "an id as the console has it, without blanks",
        "ask.expected.namespace": "the name of a namespace; in Kubernetes small letters, digits "
        "and dashes",
        "ask.alibaba_blink.region": "Id of the region, such as cn-shanghai: addresses of the "
        "console have it",
        "ask.alibaba_blink.project": "Name of the project: the list of projects in the console "
        "of Realtime Compute has it",
        "ask.alibaba_flink.region": "Id of the region, such as cn-shanghai: addresses of the "
        "console have it",
        "ask.alibaba_flink.workspace": "Id of the workspace: console of Realtime Compute for "
        "Apache Flink, list of workspaces, details",
        "ask.alibaba_flink.namespace": "Name of the namespace, such as orders-default: the "
        "development console has it at the top",
        "ask.apache_flink.endpoint": "Address of the JobManager, such as "
        "http://jobmanager:8081: where Flink's web page is",
        "ask.aws_flink.region": "Code of the region, such as eu-west-1: the console has it at "
        "the top right",
        "ask.flink_operator.namespace": "Namespace to watch",
        "ask.huawei_dataarts.region": "Code of the region, such as cn-north-4: the console has "
        "it at the top left",
        "ask.huawei_dataarts.project-id": "Id of the project: console, your name at the top "
        "right, My Credentials, API Credentials, the line of the region",
        "ask.huawei_dataarts.workspace": "Id of the workspace: DataArts Studio, Workspaces",
        "ask.huawei_dli.region": "Code of the region, such as cn-north-4: the console has it at "
        "the top left",
        "ask.huawei_dli.project-id": "Id of the project: console, your name at the top right, "
        "My Credentials, API Credentials, the line of the region",
        "ask.kafka_connect.endpoint": "Address of a worker, such as http://connect:8083: its "
        "setting listeners has it",
        "ask.tencent_oceanus.region": "Code of the region, such as ap-guangzhou",
        "ask.tencent_oceanus.workspace": "Id of the work space, space-...: console of Oceanus, "
        "work spaces",
        "init.exists": "there is such a file already; --force replaces it, --output names another",
        "init.none": "give one of {platforms}",
        "init.lacks": "required. ",
        "init.useless": "init does not ask this of {platform}: leave it out, and add it to the "
        "file if you need it",
        "init.unknown": "{platform} has no such setting: leave it out",
        "init.written": "{file}: written. It holds no secrets: what it says of auth names where "
        "they come from.\nNext: streaming-job-exporter check-config --online "
        "--config.file={file}",
        "command.check-config": "validate the configuration",
        "check-config.--online": "also log in and try each API; print a table",
        "command.healthy": "ask the exporter that runs with these flags if it is well",
        "healthy.--pid": "the one of this process, with the flags it has",
        "command.once": "poll once and print the metrics",
        "command.plan": "print what the API calls cost",
        "plan.--jobs": "running jobs a source is taken to have",
        "plan.--online": "count the jobs there are instead",
        "command.edge-report": "send a report of an edge job",
        "edge-report.--url": "of the exporter",
        "edge-report.--project": "id of the project",
        "edge-report.--token-file": "file with its token",
        "edge-report.--job-id": "id of the job",
        "edge-report.--status": "such as job_running; without it no job is reported",
        "edge-report.--file": "send this report as it is; - reads stdin",
        "command.demo": "run against simulated clouds; needs no account",
        "demo.--seed": "what the simulated incidents are",
        "demo.--story": "what goes wrong; all of them in turn without it",
        "command.completion": "print what completes commands and flags in a shell",
        "completion.SHELL": "bash, zsh or fish",
        "example.demo": "look at it, without an account",
        "example.demo.story": "show what throttling looks like",
        "example.init": "answer a few questions and get a configuration",
        "example.init.asks": "ask for all it needs, write exporter.yml",
        "example.init.flags": "ask nothing",
        "example.init.stdout": "print it",
        "example.check-config": "log in, list, and say what each source answers",
        "example.check-config.offline": "validate the file; needs no network",
        "example.check-config.web": "validate the file of the listener as well",
        "example.serve": "poll and serve",
        "example.serve.web": "with TLS and users, on this machine alone",
        "example.serve.shard": "one of three pods of a StatefulSet",
        "example.healthy": "for the health check of a container",
        "example.healthy.pid": "whatever flags process 1 was started with",
        "example.once": "what a scrape would have got",
        "example.plan": "calls a day for 500 jobs a source",
        "example.plan.online": "calls a day for the jobs there are",
        "example.edge-report": "say that job 7 runs",
        "example.edge-report.file": "send a report that is there already",
        "example.bash": "for all users of bash",
        "example.zsh": "for zsh",
        "example.fish": "for fish",
    }
)
