"""What any source can be told, whatever its platform."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.exposition.family import IDENTITY
from exporter.exposition.metrics import JOB_FAMILIES
from exporter.source import RESERVED_LABELS, JobSelection, SourceSettings, TlsSettings

HIDDEN = "hunter2-never-shown"


def _settings(**values: Any) -> SourceSettings:
    return SourceSettings.model_validate({"name": "s", "platform": "p", **values})


def _message(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _settings(**values)
    (error,) = caught.value.errors()
    return error["msg"]


def test_labels_come_in_a_fixed_order_whatever_order_they_are_given_in() -> None:
    one, other = _settings(labels={"b": "2", "a": "1"}), _settings(labels={"a": "1", "b": "2"})
    assert one.label_pairs == other.label_pairs == (("a", "1"), ("b", "2"))
    assert one == other


def test_no_configured_label_can_collide_with_one_of_the_info_series() -> None:
    (info,) = (family for family in JOB_FAMILIES if family.configured_labels)
    assert {*IDENTITY, *info.labels, "job", "instance", "le", "quantile"} <= RESERVED_LABELS


@pytest.mark.parametrize("name", ["team", "_x", "Team2", "a_b"])
def test_label_with_a_name_of_prometheus_is_taken(name: str) -> None:
    assert _settings(labels={name: '任务 "x"\n'}).label_pairs == ((name, '任务 "x"\n'),)


@pytest.mark.parametrize("name", ["", "2a", "a-b", "a.b", "a b", "__a", "a\n", "é"])
def test_label_without_a_name_of_prometheus_is_refused(name: str) -> None:
    assert _message(labels={name: "x"}) == f"{name}: not a label name"


@pytest.mark.parametrize("name", sorted(RESERVED_LABELS))
def test_label_of_the_exporter_itself_is_refused(name: str) -> None:
    assert _message(labels={name: "x"}) == f"{name}: this label is the exporter's own"


def test_stale_after_must_be_longer_than_a_poll() -> None:
    message = "stale_after must be longer than poll_interval: every job would go"
    assert _message(poll_interval=60, stale_after=60) == message
    assert _message(poll_interval=60, stale_after=59) == message
    assert _settings(poll_interval=60, stale_after=61).stale_after == 61.0


def test_settings_show_no_password_of_a_proxy() -> None:
    settings = _settings(proxy_url=f"http://u:{HIDDEN}@proxy:3128")
    assert HIDDEN not in repr(settings)
    assert HIDDEN not in str(settings)


def test_sources_do_not_share_what_they_are_told() -> None:
    assert _settings().labels is not _settings().labels
    assert _settings().jobs == JobSelection()
    assert _settings().tls == TlsSettings()
