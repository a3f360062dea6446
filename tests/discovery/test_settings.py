"""Discovery is configured strictly, and what is wrong is told with its place."""

from pathlib import Path

import pytest

from exporter.configuration.config import parse
from exporter.errors import ConfigError
from exporter.platforms.apache_flink import Settings

FILES = "files: {paths: [t.json]}"


def _problems(source: str, tmp_path: Path) -> list[str]:
    text = f"sources: [{{name: f, platform: apache_flink, {source}}}]"
    try:
        parse(text, environ={}, directory=tmp_path)
    except ConfigError as exc:
        return str(exc).splitlines()
    return []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("discovery: {}", "discovery: give exactly one of files, http, dns, kubernetes or yarn"),
        (
            f"discovery: {{{FILES}, http: {{url: 'http://x'}}}}",
            "discovery: give exactly one of files, http, dns, kubernetes or yarn",
        ),
        (
            f"endpoint: 'http://x', discovery: {{{FILES}}}",
            ": give exactly one of endpoint, endpoints or discovery",
        ),
        (
            f"jobs: {{ids: [{'a' * 32}]}}, discovery: {{{FILES}}}",
            ": jobs.ids: not with discovery, where an id does not tell the cluster",
        ),
        (
            f"auth: {{bearer: {{token: x}}}}, discovery: {{{FILES}}}",
            ": discovery.hosts: required with auth, which goes to no other hosts",
        ),
        (f"discovery: {{{FILES}, host: [a]}}", "discovery.host: unknown key; did you mean hosts?"),
        ("discovery: {file: {}}", "discovery.file: unknown key; did you mean files?"),
        (
            "discovery: {files: {paths: [x.json], path: [x.json]}}",
            "discovery.files.path: unknown key; did you mean paths?",
        ),
        ("discovery: {files: {paths: []}}", "discovery.files.paths: expected a list of 1 to 1000"),
        (
            "discovery: {files: {paths: [x.txt]}}",
            "discovery.files.paths[0]: expected a .json, .yml or .yaml file",
        ),
        ("discovery: {files: {paths: ['a*/x.json']}}", "discovery.files.paths[0]: expected"),
        (
            "discovery: {files: {paths: [x.json], cluster_label: a-b}}",
            "discovery.files.cluster_label: ",
        ),
        ("discovery: {http: {url: 'http://u:p@x'}}", "discovery.http.url: expected http"),
        ("discovery: {http: {}}", "discovery.http.url: required"),
        ("discovery: {dns: {names: ['a b']}}", "discovery.dns.names[0]: expected a name of DNS"),
        ("discovery: {dns: {names: ['a..b']}}", "discovery.dns.names[0]: expected a name of DNS"),
        ("discovery: {dns: {names: [a], type: A}}", "discovery.dns: port is required"),
        ("discovery: {dns: {names: [a], port: 1}}", "discovery.dns: port: SRV records tell it"),
        (
            "discovery: {dns: {names: [a], type: A, port: 1, cluster: target}}",
            "discovery.dns: cluster: an address is no name",
        ),
        ("discovery: {dns: {names: [a], type: MX}}", "discovery.dns.type: expected"),
        ("discovery: {dns: {names: [a], servers: [x]}}", "discovery.dns.servers[0]: expected addr"),
        (
            "discovery: {dns: {names: [a], servers: ['1.1.1.1:0']}}",
            "discovery.dns.servers[0]: expected address",
        ),
        (f"discovery: {{{FILES}, hosts: ['(']}}", "discovery.hosts[0]: not a regular expression"),
        (f"discovery: {{{FILES}, max_clusters: 0}}", "discovery.max_clusters: "),
        (f"discovery: {{{FILES}, refresh: 0}}", "discovery.refresh: expected a duration"),
    ],
)
def test_problem_is_told_with_its_place(source: str, problem: str, tmp_path: Path) -> None:
    (found,) = _problems(source, tmp_path)
    assert found.startswith(f"sources[0]{'' if problem[0] == ':' else '.'}{problem}")


@pytest.mark.parametrize(
    "source",
    [
        f"discovery: {{{FILES}}}",
        f"auth: {{bearer: {{token: x}}}}, discovery: {{{FILES}, hosts: ['.*']}}",
        "discovery: {http: {url: 'https://x/sd?team=a', auth: {bearer: {token: y}}}}",
        "discovery: {dns: {names: [_rest._tcp.x.org., a.b]}}",
        "discovery: {dns: {names: [a], type: AAAA, port: 1, scheme: https, path: /x, "
        "servers: ['1.1.1.1', '[::1]:53', '10.0.0.1:5353']}}",
    ],
)
def test_what_is_documented_is_understood(source: str, tmp_path: Path) -> None:
    assert _problems(source, tmp_path) == []


def test_paths_are_relative_to_the_configuration(tmp_path: Path) -> None:
    text = f"sources: [{{name: f, platform: apache_flink, discovery: {{{FILES}}}}}]"
    (source,) = parse(text, environ={}, directory=tmp_path).sources
    assert isinstance(source.settings, Settings)
    discovery = source.settings.discovery
    assert discovery is not None
    assert discovery.files is not None
    assert discovery.files.paths == (str(tmp_path / "t.json"),)
    assert source.settings.connections == 508
