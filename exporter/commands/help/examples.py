"""Name the examples of each command: what to type, and the key of what it does."""

from collections.abc import Mapping
from types import MappingProxyType

PROGRAM = "streaming-job-exporter"
ROOT = ""
"""The name under which the examples of the program as a whole are."""

_CONFIG = "--config.file=/etc/streaming-job-exporter/exporter.yml"
EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        ROOT: (
            ("demo", "example.demo"),
            ("init --output=exporter.yml", "example.init"),
            ("check-config --online", "example.check-config"),
            ("--config.file=exporter.yml", "example.serve"),
        ),
        "serve": (
            ("serve --config.file=exporter.yml", "example.serve"),
            (
                "serve --web.listen-address=127.0.0.1:10370 --web.config.file=web.yml",
                "example.serve.web",
            ),
            ("serve --shard=auto --total-shards=3", "example.serve.shard"),
        ),
        "init": (
            ("init", "example.init.asks"),
            (
                "init --platform=huawei_dli --region=cn-north-4 --project-id=330e068af1334c97",
                "example.init.flags",
            ),
            (
                "init --platform=apache_flink --endpoint=http://jobmanager:8081 --output=-",
                "example.init.stdout",
            ),
        ),
        "check-config": (
            (f"check-config {_CONFIG}", "example.check-config.offline"),
            ("check-config --online", "example.check-config"),
            ("check-config --web.config.file=web.yml", "example.check-config.web"),
        ),
        "healthy": (
            ("healthy --web.listen-address=:10370", "example.healthy"),
            ("healthy --pid=1", "example.healthy.pid"),
        ),
        "once": (("once --config.file=exporter.yml", "example.once"),),
        "plan": (
            ("plan --jobs=500", "example.plan"),
            ("plan --online", "example.plan.online"),
        ),
        "edge-report": (
            (
                "edge-report --project=edge --token-file=token --job-id=7 --status=job_running",
                "example.edge-report",
            ),
            (
                "edge-report --project=edge --token-file=token --file=report.json",
                "example.edge-report.file",
            ),
        ),
        "demo": (
            ("demo", "example.demo"),
            ("demo --story=throttled", "example.demo.story"),
        ),
        "completion": (
            ("completion bash > /etc/bash_completion.d/streaming-job-exporter", "example.bash"),
            ('completion zsh > "${fpath[1]}/_streaming-job-exporter"', "example.zsh"),
            (
                "completion fish > ~/.config/fish/completions/streaming-job-exporter.fish",
                "example.fish",
            ),
        ),
    }
)
