"""Each policy of the documents allows what the exporter asks, and nothing else.

The exporter watches every simulated platform with all that it can be told to ask for; what it asked
is held against the actions of the policies.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.app import App
from exporter.auth.alibaba.sts import ASSUME_ROLE as ALIBABA_ROLE
from exporter.auth.aws.roles import ASSUME_ROLE as AWS_ROLE
from exporter.auth.tencent.sts import ASSUME_ROLE as TENCENT_ROLE
from exporter.configuration.config import parse
from exporter.edge.relay import REPORT as RELAYED
from exporter.kubernetes.api import NAMESPACES
from exporter.simulator.fleet.fleet import Phase
from tests.docs.blocks import DOCS, LANGUAGES, fenced, read, rows, section
from tests.docs.chapters.called_operations import LOGINS, operations
from tests.docs.chapters.example_clouds import ENVIRON, Internet, put_secrets, service_account
from tests.faults.operations import OPERATIONS, Part
from tests.recording import RecordingLog
from tests.scrape import samples
from tests.virtual_time import EPOCH, run, virtual_world

# What is asked is found out once.
pytestmark = pytest.mark.xdist_group("policies")

POLICIES = DOCS / "policies"
PAGE = "getting-started.md"
_TABLE = {"": "What is asked, and with which right", "zh": "请求哪些操作，各需什么权限"}

_HUAWEI = {
    "ListFlinkJobs": ("dli:jobs:list", "dli:jobs:listAll"),
    "ShowFlinkJob": ("dli:jobs:get",),
    "ShowFlinkJobExecutionGraph": ("dli:jobs:get",),
    "BatchListMetricData": ("ces:metricData:list",),
}
"""The vendor's pages about these operations name the actions."""
_MONITORING = {"GetMetricData": "cloudwatch", "ListMetrics": "cloudwatch"}
_EVERYTHING: dict[str, dict[str, Any]] = {
    "huawei_dli": {"cloud_eye": True},
    "alibaba_flink": {"input_delay": True, "busy": True},
    "tencent_oceanus": {"monitor": True},
    "aws_flink": {"metrics": ["restarts", "input_delay", "checkpoints"]},
    "apache_flink": {"busy": True},
    "flink_operator": {"busy": True},
}
_BY_ID = {
    "alibaba_blink": "orders_enrichment",
    "alibaba_flink": "00000000-0000-4000-8000-000000000000",
    "flink_operator": "streams/sessionjob/none",
}
"""Asked for by id alone, these platforms are asked something else."""


def _sources() -> Iterator[dict[str, Any]]:
    """Yield the sources of the page, told to ask for everything, and some that ask by id."""
    for block in fenced(read(PAGE, ""), "yaml"):
        if not block.startswith("sources:") or "discovery:" in block:
            continue
        for source in yaml.safe_load(block)["sources"]:
            platform = source["platform"]
            yield {**source, **_EVERYTHING.get(platform, {})}
            if platform in _BY_ID:
                ids = {"ids": [_BY_ID[platform]]}
                yield {**source, "name": f"{source['name']}-by-id", "jobs": ids}


@pytest.fixture(name="asked", scope="module")
def _asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the operations that were asked of each platform."""
    folder = tmp_path_factory.mktemp("asked")
    document = {"sources": list(_sources())}
    text = put_secrets(yaml.safe_dump(document, sort_keys=False), folder)

    async def scenario() -> dict[str, set[str]]:
        loop = asyncio.get_running_loop()
        internet = Internet(clock=lambda: EPOCH + loop.time(), jobs=8)
        account = service_account(folder / "account")
        runtime = replace(virtual_world(internet, environ=ENVIRON), service_account=account)
        config = parse(text, environ=ENVIRON, directory=Path())
        app = App(lambda: config, runtime=runtime, log=RecordingLog())
        await app.start()
        try:
            await asyncio.sleep(100)
            for cloud in internet.clouds.all():
                if cloud.fleet is not None:
                    gone = cloud.fleet.views(EPOCH + loop.time())[-1].name
                    cloud.fleet.set_phase("orders_enrichment", Phase.FAILED, EPOCH + loop.time())
                    cloud.fleet.remove(gone, EPOCH + loop.time())
            await asyncio.sleep(200)
            app.exposition.refresh()
            page = app.exposition.scrape()[0].decode()
        finally:
            await app.stop()
        found: dict[str, set[str]] = {}
        platforms = {each.settings.name: each.settings.platform for each in config.sources}
        for _, labels, _ in samples(page, "streaming_exporter_api_requests_total"):
            found.setdefault(platforms[labels["source"]], set()).add(labels["operation"])
        return found

    return run(scenario())


def _of(platform: str, asked: dict[str, set[str]]) -> set[str]:
    """Return all operations of a platform but its logins; those that need a fault stand there."""
    known = [each for each in OPERATIONS if each.platform == platform]
    logins = {each.name for each in known if each.part in (Part.LOGIN, Part.METADATA)}
    return (asked[platform] | {each.name for each in known}) - logins


def _actions(name: str) -> set[str]:
    """Return the actions of a policy, which each vendor spells a little differently."""
    document = json.loads((POLICIES / name).read_text(encoding="utf-8"))
    found: set[str] = set()
    for statement in document.get("Statement") or document["statement"]:
        each = {key.lower(): value for key, value in statement.items()}
        assert each["effect"].lower() == "allow"
        found |= {each["action"]} if isinstance(each["action"], str) else set(each["action"])
    return found


def test_policy_of_dli_has_the_actions_of_what_is_asked(asked: dict[str, set[str]]) -> None:
    operations = _of("huawei_dli", asked)
    assert operations == set(_HUAWEI)
    assert _actions("huawei_dli.json") == {
        action for operation in operations for action in _HUAWEI[operation]
    }


@pytest.mark.parametrize(
    ("platform", "prefix"),
    [
        ("alibaba_flink", "stream"),
        ("tencent_oceanus", "oceanus"),
        ("aws_flink", "kinesisanalytics"),
    ],
)
def test_policy_has_an_action_for_each_operation_and_no_other(
    platform: str, prefix: str, asked: dict[str, set[str]]
) -> None:
    # Where operations are calls of a proxy, the right is that to the proxy.
    operations = {each.partition(" ")[0] for each in _of(platform, asked)}
    elsewhere = {**_MONITORING, "GetMonitorData": "monitor"}
    wanted = {f"{elsewhere.get(each, prefix)}:{each}" for each in operations}
    assert _actions(f"{platform}.json") == wanted


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("huawei_assume_agency.json", "sts:agencies:assume"),
        ("alibaba_assume_role.json", f"sts:{ALIBABA_ROLE}"),
        ("aws_assume_role.json", f"sts:{AWS_ROLE}"),
        ("tencent_assume_role.json", f"sts:{TENCENT_ROLE}"),
    ],
)
def test_policy_of_who_assumes_a_role_allows_that_of_one_role(name: str, action: str) -> None:
    assert _actions(name) == {action}
    policy = json.loads((POLICIES / name).read_text(encoding="utf-8"))
    # Tencent Cloud writes its keys small.
    (statement,) = policy.get("Statement") or policy["statement"]
    resource = str(statement.get("Resource") or statement["resource"])
    assert "reader" in resource or "watched" in resource


def test_role_of_the_operator_has_the_rights_of_what_is_asked(asked: dict[str, set[str]]) -> None:
    role = next(yaml.safe_load_all((POLICIES / "flink_operator.yml").read_text(encoding="utf-8")))
    rights = {
        f"{verb} {resource}.{group}"
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    kinds = {each for each in _of("flink_operator", asked) if " " in each}
    assert rights == {*kinds, "get services/proxy."}


def test_proxy_before_kafka_connect_passes_on_what_is_asked(asked: dict[str, set[str]]) -> None:
    paths = json.loads((POLICIES / "kafka_connect.json").read_text(encoding="utf-8"))
    wanted = {each.replace("{name}", "*") for each in _of("kafka_connect", asked)}
    assert {method: set(each) for method, each in paths.items()} == {"GET": wanted}


@pytest.mark.parametrize("language", LANGUAGES)
def test_table_has_every_operation_and_its_right(language: str, asked: dict[str, set[str]]) -> None:
    table: dict[str, set[str]] = {}
    rights: dict[str, set[str]] = {}
    for platform, operation, right, _ in rows(section(read(PAGE, language), _TABLE[language])):
        name = platform.strip("`")
        assert operation.strip("`") not in table.setdefault(name, set())
        table[name].add(operation.strip("`"))
        rights.setdefault(name, set()).update(re.findall(r"`([^`]+)`", right))
    # What is asked only where it was set up, or when something has happened.
    rare = {
        "apache_flink": operations() - set().union(*asked.values()) - LOGINS - {RELAYED},
        "flink_operator": {f"get {NAMESPACES.resource}"},
    }
    wanted = {platform: _of(platform, asked) | rare.get(platform, set()) for platform in asked}
    assert table == wanted
    assert f"`{RELAYED}`" in section(read(PAGE, language), _TABLE[language])
    assert operations() - LOGINS - {RELAYED} <= set().union(*table.values())
    for name in ("huawei_dli", "alibaba_flink", "tencent_oceanus", "aws_flink"):
        assert rights[name] == _actions(f"{name}.json")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", sorted(POLICIES.iterdir()), ids=lambda path: path.name)
def test_page_shows_each_policy_as_it_is(path: Path, language: str) -> None:
    kind = {".json": "json", ".yml": "yaml"}[path.suffix]
    assert path.read_text(encoding="utf-8") in fenced(read(PAGE, language), kind)
