"""A kubeconfig is read as Kubernetes' own clients read it; what is not done is a clear error."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.auth.kubeconfig_access import KubeconfigAccess, kubeconfig_paths
from exporter.auth.kubernetes import Access
from exporter.errors import UnusableError
from exporter.files import at_once
from tests.virtual_time import run

SECRET = "a-very-secret-thing"


def config(
    user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, name: str = "prod"
) -> dict[str, Any]:
    """Return a kubeconfig of one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": f"c-{name}", "user": f"u-{name}"}}],
        "clusters": [
            {"name": f"c-{name}", "cluster": cluster or {"server": f"https://{name}.example.org"}}
        ],
        "users": [{"name": f"u-{name}", "user": {"token": SECRET} if user is None else user}],
    }


def write(path: Path, document: object) -> Path:
    """Write a file of YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def read(*paths: Path, context: str = "", endpoint: str | None = None) -> Access:
    """Return what some files come to."""
    provider = KubeconfigAccess(paths, context, aside=at_once, endpoint=endpoint)
    return run(provider.access())


def test_token_and_server_are_those_of_the_current_context(tmp_path: Path) -> None:
    found = read(write(tmp_path / "config", config()))
    assert found.connection.server == "https://prod.example.org"
    assert found.authorization == f"Bearer {SECRET}"


def test_another_context_can_be_chosen(tmp_path: Path) -> None:
    document = config()
    other = config({"token": "other"}, name="other")
    for plural in ("contexts", "clusters", "users"):
        document[plural] += other[plural]
    found = read(write(tmp_path / "config", document), context="other")
    assert (found.connection.server, found.authorization) == (
        "https://other.example.org",
        "Bearer other",
    )


def test_first_of_several_files_wins_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    first = config({"token": "first"})
    second = {**config({"token": "second"}), "current-context": "other"}
    second["contexts"] += config(name="other")["contexts"]
    found = read(
        tmp_path / "missing",
        write(tmp_path / "a", first),
        write(tmp_path / "b", second),
    )
    assert found.authorization == "Bearer first"


def test_names_of_files_are_relative_to_their_own_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "ca").write_text("authority")
    (tmp_path / "two" / "token").write_text("from-a-file\n")
    document = config(cluster={"server": "https://a", "certificate-authority": "ca"})
    users = {"users": config({"tokenFile": "token"})["users"]}
    del document["users"]
    found = read(write(tmp_path / "one" / "c", document), write(tmp_path / "two" / "c", users))
    assert found.connection.authority == b"authority"
    assert found.authorization == "Bearer from-a-file"


def test_token_file_wins_over_a_token_and_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first")
    path = write(tmp_path / "config", config({"token": "old", "tokenFile": "token"}))
    provider = KubeconfigAccess((path,), "", aside=at_once)
    assert run(provider.access()).authorization == "Bearer first"
    (tmp_path / "token").write_text("second")
    assert run(provider.access()).authorization == "Bearer second"


def test_data_wins_over_files(tmp_path: Path) -> None:
    def data(text: str) -> str:
        return b64encode(text.encode()).decode()

    user = {
        "client-certificate": "none",
        "client-certificate-data": data("certificate"),
        "client-key": "none",
        "client-key-data": data("key"),
    }
    cluster = {"server": "https://a", "certificate-authority-data": data("authority")}
    connection = read(write(tmp_path / "c", config(user, cluster))).connection
    assert (connection.authority, connection.certificate, connection.key) == (
        b"authority",
        b"certificate",
        b"key",
    )


def test_everything_else_of_a_cluster_is_read(tmp_path: Path) -> None:
    cluster = {
        "server": "https://a/k8s/clusters/c-1/",
        "insecure-skip-tls-verify": True,
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:3128",
    }
    found = read(write(tmp_path / "c", config({"username": "u", "password": "p"}, cluster)))
    connection = found.connection
    assert connection.server == "https://a/k8s/clusters/c-1"
    assert (connection.verify, connection.server_name) == (False, "kubernetes")
    assert connection.proxy_url == "http://proxy:3128"
    assert found.authorization == "Basic dTpw"


def test_endpoint_wins_over_the_server(tmp_path: Path) -> None:
    path = write(tmp_path / "c", config())
    assert read(path, endpoint="https://b").connection.server == "https://b"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"exec": {"command": "aws", "env": [{"value": SECRET}]}}, "which is not run: give it"),
        ({"auth-provider": {"name": "oidc", "config": {"x": SECRET}}}, "an auth-provider"),
        ({"token": SECRET, "as": "admin"}, "acts as somebody else"),
        ({"client-certificate": "a"}, "client-certificate and client-key go together"),
        ({"client-certificate-data": f"*{SECRET}*", "client-key": "k"}, "-data: not base64"),
        ({"tokenFile": "missing"}, "missing: no such file"),
        ({"token": ["x"]}, "token: expected a text"),
        ({"token": f"{SECRET} and blanks"}, "holds blanks"),
    ],
)
def test_what_cannot_be_used_is_told_without_a_secret(
    tmp_path: Path, user: dict[str, Any], expected: str
) -> None:
    with pytest.raises(Exception, match=expected) as caught:
        read(write(tmp_path / "c", config(user)))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"current-context": ""}, "has no current-context"),
        ({"current-context": "none"}, "no entry 'none' in contexts"),
        ({"clusters": []}, "no entry 'c-prod' in clusters"),
        ({"users": None}, "no entry 'u-prod' in users"),
        ({"users": {}}, "users: expected a list"),
        ({"users": [1]}, r"users\[0\]: expected an entry with a name"),
        ({"users": [{"name": "a"}, {"name": "a"}]}, "'a' is there twice"),
        ({"clusters": [{"name": "c-prod", "cluster": {"server": "ftp://a"}}]}, "server: expected"),
        (
            {
                "clusters": [
                    {"name": "c-prod", "cluster": {"server": "https://a", "proxy-url": "x"}}
                ]
            },
            "proxy-url: expected",
        ),
    ],
)
def test_place_of_what_is_wrong_is_named(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UnusableError, match=expected):
        read(write(tmp_path / "c", {**config(), **change}))


@pytest.mark.parametrize(
    "text",
    [
        *("[1]", "{", "!!python/object:os.system {}", "\x00", "a: !!bool x", "a: !!timestamp x"),
        *("!!int ''", "a: 2020-13-45", "[" * 100_000, "[" * 5000 + "]" * 5000),
        "\n".join("-" * number for number in range(1000)),
        *("- " * 5000, "1:" * 200 + "1.5"),
    ],
    ids=range(13),
)
def test_file_that_is_none_is_told_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c"
    path.write_text(text)
    with pytest.raises(UnusableError, match="not a kubeconfig"):
        read(path)


def test_no_file_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableError, match="no such file"):
        read(tmp_path / "a")
    with pytest.raises(UnusableError, match="none of these files is there"):
        read(tmp_path / "a", tmp_path / "b")


def test_file_that_cannot_be_read_is_no_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UnusableError, match="directory"):
        read(tmp_path / "a", write(tmp_path / "b", config()))


def test_files_are_those_of_the_environment_or_the_usual_one(tmp_path: Path) -> None:
    assert kubeconfig_paths({}, tmp_path) == (tmp_path / ".kube" / "config",)
    environ = {"KUBECONFIG": "/a::/b"}
    assert kubeconfig_paths(environ, tmp_path) == (Path("/a"), Path("/b"))
    assert kubeconfig_paths(environ, tmp_path, chosen=Path("/c")) == (Path("/c"),)


def test_changed_kubeconfig_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "c", config())
    provider = KubeconfigAccess((path,), "", aside=at_once)
    run(provider.access())
    write(path, config({"token": "another"}))
    assert run(provider.access()).authorization == "Bearer another"
