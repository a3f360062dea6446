"""Our signatures equal those of botocore, Amazon's own signer, request by request."""

import random
from pathlib import Path

from exporter.auth import canonical
from exporter.auth.aws.signature import sign
from exporter.auth.credentials import Credentials
from tests.auth.test_oracle import NAMES, REQUESTS, ROOT, ask, case, header_value, text

AMAZONS = ROOT / ".venv-oracle" / "aws" / "bin" / "python"
TYPES = (
    "application/x-amz-json-1.1",
    "application/x-amz-json-1.0",
    "application/x-www-form-urlencoded; charset=utf-8",
)
SERVICES = ("kinesisanalytics", "monitoring", "sts", "kafkaconnect")


def test_signatures_equal_those_of_botocore(tmp_path: Path) -> None:
    """For 1,500 requests: JSON, forms, queries, and names in paths.

    Left out: methods in lower case, which botocore does not raise.
    """
    rng = random.Random("aws")
    cases = []
    for _ in range(REQUESTS):
        drawn = case(rng)
        pairs = [(rng.choice([*NAMES, text(rng, 4)]), text(rng)) for _ in range(rng.randint(0, 5))]
        query = canonical.query(pairs)
        path = canonical.path(*drawn["segments"])
        headers = {"Content-Type": rng.choice(TYPES)}
        if rng.random() < 0.5:
            headers["X-Amz-Target"] = f"KinesisAnalytics_20180523.{rng.choice('ABC')}"
        if rng.random() < 0.5:
            headers["X-Amz-Note"] = header_value(rng)
        drawn |= {
            "method": drawn["method"].upper(),
            "target": f"{path}?{query}" if query else path,
            "headers": headers,
            "host": rng.choice(["dli.example.com", "127.0.0.1:8080", "[::1]:8443", "h", "h:443"]),
            "service": rng.choice(SERVICES),
            "region": rng.choice(["eu-west-1", "cn-north-1", "eusc-de-east-1"]),
        }
        cases.append(drawn)
    ours = []
    for drawn in cases:
        added = sign(
            drawn["method"],
            drawn["target"],
            drawn["headers"] | {"Host": drawn["host"]},
            drawn["body"].encode(),
            Credentials(drawn["access_key"], drawn["secret_key"], drawn["security_token"]),
            region=drawn["region"],
            service=drawn["service"],
            timestamp=drawn["timestamp"],
        )
        ours.append({"authorization": added["Authorization"]})
    assert ours == ask("aws_signer.py", cases, tmp_path, AMAZONS)
    assert len({each["authorization"] for each in ours}) == REQUESTS
