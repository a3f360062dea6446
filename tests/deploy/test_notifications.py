"""What Alertmanager sends in the compose file is shown, and nothing else gets in."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.compose.notifications import LARGEST, Notifications


@pytest.fixture(name="page")
def _page() -> Iterator[str]:
    server = Notifications(0)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _alert(summary: str, status: str = "firing") -> dict[str, Any]:
    labels = {"alertname": "StreamingJobFailed", "severity": "critical"}
    return {"status": status, "labels": labels, "annotations": {"summary": summary}}


def _send(address: str, body: bytes) -> int:
    request = urllib.request.Request(address, data=body, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code


def _shown(page: str) -> list[str]:
    with urllib.request.urlopen(page, timeout=10) as answer:
        return str(answer.read().decode()).splitlines()


def test_notification_is_a_line_for_each_alert_newest_first(
    page: str, capfd: pytest.CaptureFixture[str]
) -> None:
    first = {"alerts": [_alert("Job a has failed."), _alert("Job 订单 has failed.")]}
    assert _send(f"{page}/mail", json.dumps(first).encode()) == 200
    last = {"alerts": [_alert("Job a has failed.", "resolved")]}
    assert _send(f"{page}/dingtalk", json.dumps(last).encode()) == 200
    told = "critical StreamingJobFailed: Job"
    assert [" ".join(line.split()) for line in _shown(page)] == [
        f"dingtalk resolved {told} a has failed.",
        f"mail firing {told} 订单 has failed.",
        f"mail firing {told} a has failed.",
    ]
    assert sorted(capfd.readouterr().out.splitlines()) == sorted(_shown(page))


def test_page_says_that_there_is_nothing_yet(page: str) -> None:
    assert _shown(page) == ["Nothing yet: alerts take a minute or more."]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"alerts": [{}]}', b'{"alerts": 1}', b"\xff"], ids=repr
)
def test_what_is_no_notification_is_refused(page: str, body: bytes) -> None:
    assert _send(page, body) == 400
    assert _shown(page) == ["Nothing yet: alerts take a minute or more."]


def test_more_than_alertmanager_would_send_is_refused_unread(page: str) -> None:
    request = urllib.request.Request(page, data=b"", method="POST")
    request.add_header("Content-Length", str(LARGEST + 1))
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(request, timeout=10)
    assert told.value.code == 400
    told.value.close()


def test_line_break_in_an_alert_makes_no_line(page: str) -> None:
    body = {"alerts": [_alert("Job a\nmail firing b\x1b[31m")]}
    assert _send(f"{page}/mail", json.dumps(body).encode()) == 200
    assert len(_shown(page)) == 1
    assert "\x1b" not in _shown(page)[0]
