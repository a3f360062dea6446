"""Each example is a good configuration, whoever follows it."""

from pathlib import Path

import pytest

from exporter.commands.starting import PLATFORMS
from manual.generate import SCHEMA
from tests.manual.configurations import EXAMPLES, ROOT, whole

MIXTURES = {
    "two_accounts": ["dli-orders", "dli-orders-south", "dli-payments"],
    "private_cloud": ["dli-stack", "blink-stack"],
    "behind_a_proxy": ["dli-prod", "flink"],
    "edge_only": [],
    "kubernetes_discovery": ["operator", "native"],
}


def test_there_is_one_of_each_platform_and_each_mixture() -> None:
    assert {path.stem for path in EXAMPLES} == {*PLATFORMS, *MIXTURES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_passes_the_check_and_names_its_schema(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    config = whole(text, tmp_path)
    names = [source.settings.name for source in config.sources]
    if path.stem in MIXTURES:
        assert names == MIXTURES[path.stem]
    else:
        assert [source.platform.name for source in config.sources] == [path.stem]
    assert (config.edge is not None) == (path.stem == "edge_only")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA}"
    assert (path.parent / SCHEMA).resolve() == ROOT / "docs" / "exporter.schema.json"
    # Whoever begins with it should be told when a job is not there at all.
    assert text.count("expect: ") == len(names)
    assert max(map(len, text.splitlines())) <= 100
