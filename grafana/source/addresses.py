"""Say where pages are that only their users know: what `make monitoring` replaces.

The addresses here are those of a demo on one's own machine. The alert rules hold the same ones.
"""

from grafana.source.panels import Json, link

EXPORTER = "http://localhost:10370"
"""Where people reach the exporter: its status page, and the runbooks that it serves."""
FLINK = "http://localhost:8081"
"""Where people reach the web pages of their Flink clusters."""

CONSOLES = {
    "huawei_dli": "https://console.huaweicloud.com/dli",
    "huawei_dataarts": "https://console.huaweicloud.com/dayu",
    "alibaba_blink": "https://stream.console.aliyun.com",
    "alibaba_flink": "https://realtime-compute.console.aliyun.com",
    "aws_flink": "https://console.aws.amazon.com/flink",
    "tencent_oceanus": "https://console.cloud.tencent.com/oceanus",
    "apache_flink|flink_operator": "$flink",
}
"""Where people manage the jobs of each platform; Kafka Connect and edge jobs have no such place."""


def runbook_links(runbook: str) -> list[Json]:
    """Lead to what to do, in both languages of the exporter's own runbooks."""
    return [
        link("What to do", f"${{status_page}}/runbooks/{runbook}", elsewhere=True),
        link("处理办法", f"${{status_page}}/runbooks/zh/{runbook}", elsewhere=True),
    ]


def console_link() -> Json:
    """Lead from a row that has a console to it."""
    return link("Console of the platform", "${__data.fields.console}", elsewhere=True)


def with_console(found: str) -> str:
    """Add a label that says where the console of the job's platform is."""
    for platforms, console in CONSOLES.items():
        found = f'label_replace({found}, "console", "{console}", "platform", "{platforms}")'
    return found
