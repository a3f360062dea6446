"""Our TC3 signatures equal those of the vendor's own signer, request by request."""

import random
from pathlib import Path
from typing import Any

from exporter.auth.credentials import Credentials
from exporter.auth.tencent.signature import sign
from tests.auth.test_oracle import REQUESTS, ask, key_text, text

HOSTS = {
    "oceanus": ("oceanus.tencentcloudapi.com", "oceanus.ap-shanghai-fsi.tencentcloudapi.com"),
    "monitor": ("monitor.intl.tencentcloudapi.com", "monitor.internal.tencentcloudapi.com"),
    "sts": ("sts.tencentcloudapi.com", "127.0.0.1:8080", "h"),
}


def parameters(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    """Draw a body; names and texts hold whatever JSON can carry."""
    found: dict[str, Any] = {}
    for _ in range(rng.randint(0, 4)):
        kind = rng.randint(0, 5)
        value: Any = text(rng, 20) if kind < 3 else rng.randint(-5, 10**12)
        if kind == 4:
            value = [text(rng) for _ in range(rng.randint(0, 3))]
        if kind == 5 and depth < 3:
            value = parameters(rng, depth + 1)
        found[text(rng, 4)] = value
    return found


def test_signatures_equal_those_of_the_sdk(tmp_path: Path) -> None:
    """Body, headers and Authorization agree, for 1,500 requests in one process."""
    rng = random.Random("tencent")
    cases = []
    for _ in range(REQUESTS):
        service = rng.choice(list(HOSTS))
        drawn: dict[str, Any] = {
            "service": service,
            "host": rng.choice(HOSTS[service]),
            "action": rng.choice(["DescribeJobs", "GetMonitorData", "AssumeRole"]),
            "region": rng.choice(["ap-guangzhou", "ap-shanghai-fsi"]),
            "parameters": parameters(rng),
            "access_key": key_text(rng),
            "secret_key": rng.choice([key_text(rng), f"{key_text(rng)}密x"]),
            "security_token": rng.choice(["", "", key_text(rng) * 8]),
            "timestamp": rng.randint(0, 4_000_000_000),
        }
        cases.append(drawn)
    theirs = ask("tencent_signer.py", cases, tmp_path)
    ours = []
    for drawn, told in zip(cases, theirs, strict=True):
        credentials = Credentials(drawn["access_key"], drawn["secret_key"], drawn["security_token"])
        headers = sign(
            drawn["host"],
            "application/json",
            told["body"].encode(),
            credentials,
            service=drawn["service"],
            timestamp=drawn["timestamp"],
        )
        same = {"body": told["body"], "Content-Type": "application/json", "Host": drawn["host"]}
        ours.append({**same, **headers})
    assert ours == theirs
    assert len({each["Authorization"] for each in ours}) == REQUESTS
