"""What the chapter about proxies says of other programs fits the exporter, and itself."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from exporter.edge.receiver import is_report
from exporter.listening.connections import Patience
from exporter.serving.api import LONGEST_ANSWER
from tests.docs.chapters.tables import ROOT

CHAPTER = (ROOT / "docs" / "behind-a-proxy.md").read_text()
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", CHAPTER, re.DOTALL)]
ENVOY = next(block["static_resources"] for block in BLOCKS if "static_resources" in block)

# Of each message of Envoy's API the fields that the block uses, held against the protocol buffers
# in envoy-data-plane 2.2.0: with a field that is misspelt Envoy does not start.
FIELDS = {
    "DownstreamTlsContext": {"common_tls_context"},
    "HttpConnectionManager": {"stat_prefix", "route_config", "http_filters"},
    "HttpProtocolOptions": {"common_http_protocol_options", "explicit_http_config"},
    "Router": set[str](),
    "Listener": {"name", "address", "filter_chains"},
    "FilterChain": {"transport_socket", "filters"},
    "Route": {"match", "redirect", "route"},
    "RouteMatch": {"path", "prefix", "safe_regex", "headers"},
    "RouteAction": {"cluster", "prefix_rewrite", "timeout"},
    "Cluster": {"name", "type", "typed_extension_protocol_options", "load_assignment"},
}


def _typed(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all messages that name their type, by the last part of its name."""
    if isinstance(node, dict):
        if "@type" in node:
            yield node["@type"].rpartition(".")[2], node
        for value in node.values():
            yield from _typed(value)
    elif isinstance(node, list):
        for value in node:
            yield from _typed(value)


def _manager() -> dict[str, Any]:
    return next(node for name, node in _typed(ENVOY) if name == "HttpConnectionManager")


def _routes() -> list[dict[str, Any]]:
    (host,) = _manager()["route_config"]["virtual_hosts"]
    routes: list[dict[str, Any]] = host["routes"]
    return routes


def test_envoy_is_told_only_what_it_knows() -> None:
    (listener,) = ENVOY["listeners"]
    (chain,) = listener["filter_chains"]
    (cluster,) = ENVOY["clusters"]
    messages = [*_typed(ENVOY), ("Listener", listener), ("FilterChain", chain)]
    messages += [("Cluster", cluster)]
    for route in _routes():
        messages += [("Route", route), ("RouteMatch", route["match"])]
        messages += [("RouteAction", route["route"])] if "route" in route else []
    for name, message in messages:
        assert message.keys() - {"@type"} <= FIELDS[name], name


def test_envoy_leads_to_the_cluster_it_has_and_waits_long_enough() -> None:
    (cluster,) = ENVOY["clusters"]
    assert cluster["load_assignment"]["cluster_name"] == cluster["name"]
    actions = [route["route"] for route in _routes() if "route" in route]
    assert {action["cluster"] for action in actions} == {cluster["name"]}
    assert all(_seconds(action["timeout"]) >= LONGEST_ANSWER for action in actions)
    options = next(node for name, node in _typed(ENVOY) if name == "HttpProtocolOptions")
    assert _seconds(options["common_http_protocol_options"]["idle_timeout"]) < Patience().idle


def _seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_both_proxies_know_the_addresses_of_reports() -> None:
    (of_envoy,) = (
        route["match"]["safe_regex"]["regex"]
        for route in _routes()
        if "safe_regex" in route["match"]
    )
    (of_nginx,) = re.findall(r"location ~ (\S+) \{", CHAPTER)
    for path, expected in (
        ("/v1/p/edgesrv/job-report", True),
        ("/v1/p/q/edgesrv/job-report", False),
        ("/v1/p/edgesrv/job-reports", False),
    ):
        assert is_report(path) is expected
        assert bool(re.fullmatch(of_envoy, path)) is expected
        assert bool(re.search(of_nginx, path)) is expected


def test_times_of_the_chapter_are_those_of_the_listener() -> None:
    patience = Patience()
    assert f"closed after {patience.idle:.0f} seconds" in CHAPTER
    assert f"up to {LONGEST_ANSWER:.0f} or {patience.answer:.0f} seconds" in CHAPTER
