"""Our signatures equal those of the vendors' own signers, request by request.

The signers live in .venv-oracle (scripts/setup-oracle) and run once per vendor. Inputs stay where
the documented algorithms are unambiguous; what is left out is said at each vendor's test.
"""

import json
import os
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from exporter.auth import canonical
from exporter.auth.alibaba import signature as alibaba_signature
from exporter.auth.credentials import Credentials
from exporter.auth.huawei import signature as huawei_signature

ROOT = Path(__file__).parents[2]
INTERPRETER = ROOT / ".venv-oracle" / "bin" / "python"
REQUESTS = 1500
PIECES = [
    *"abcXYZ019-_.~ /*+%&=?#;:@!$'()[]{}|\\^`\"<>,\t",
    *"测试作业é😀",
    *("%2F", "%7E", "..", "a b", "订单/实时", "~*+%", "\u00a0", "e\u0301"),
]
NAMES = ["limit", "name", "Name", "pageIndex", "x-y", "x_y", "x.y", "x~y", "Z", "tags"]


def text(rng: random.Random, longest: int = 8) -> str:
    return "".join(rng.choices(PIECES, k=rng.randint(0, longest)))


def segments(rng: random.Random) -> list[str]:
    # What canonical.path refuses to build cannot be sent, so it need not be signed.
    drawn = [text(rng) for _ in range(rng.randint(0, 5))]
    return [segment for segment in drawn if segment not in {"", ".", ".."}]


def header_value(rng: random.Random) -> str:
    return "".join(chr(rng.randint(0x20, 0x7E)) for _ in range(rng.randint(0, 30)))


def key_text(rng: random.Random) -> str:
    return "".join(chr(rng.randint(0x21, 0x7E)) for _ in range(rng.randint(1, 64)))


def case(rng: random.Random) -> dict[str, Any]:
    """Draw what both vendors' requests have in common."""
    method = rng.choice(["GET", "GET", "POST", "PUT", "DELETE", "get"])
    return {
        "method": method,
        "host": rng.choice(["dli.example.com", "127.0.0.1:8080", "[::1]:80", "h"]),
        "segments": segments(rng),
        "body": rng.choice(["", "", "{}", json.dumps({text(rng): text(rng)}), text(rng, 40)]),
        "access_key": key_text(rng),
        "secret_key": rng.choice([key_text(rng), key_text(rng) + "密"]),
        "security_token": rng.choice(["", "", key_text(rng) * 8]),
        "timestamp": rng.randint(0, 4_000_000_000),
    }


def ask(
    program: str, cases: list[dict[str, Any]], home: Path, interpreter: Path = INTERPRETER
) -> list[dict[str, str]]:
    """Let the vendor's signer sign; a missing environment is an error, never a reason to skip."""
    assert interpreter.exists(), "the vendors' signers are missing: run scripts/setup-oracle"
    done = subprocess.run(
        [interpreter, ROOT / "tests" / "oracle" / program],
        input="".join(json.dumps(case) + "\n" for case in cases),
        capture_output=True,
        text=True,
        check=False,
        # The vendor's package writes a file into the home directory.
        env=os.environ | {"HOME": str(home), "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def target(case: dict[str, Any]) -> str:
    path = canonical.path(*case["segments"])
    query = canonical.query((name, value) for name, value in case["parameters"])
    return f"{path}?{query}" if query else path


def credentials(case: dict[str, Any]) -> Credentials:
    return Credentials(case["access_key"], case["secret_key"], case["security_token"])


def test_huawei_signatures_equal_those_of_its_sdk(tmp_path: Path) -> None:
    """Path, query on the wire and Authorization agree, for 1,500 requests.

    Left out: content types other than JSON, for which the SDK does not sign the body although the
    algorithm allows it, and header names with "_", which the SDK leaves out.
    """
    rng = random.Random("huawei")
    cases = []
    for _ in range(REQUESTS):
        drawn = case(rng)
        headers = {"Host": drawn["host"]}
        for name in ("Content-Type", "X-Project-Id", "workspace", "X-Language"):
            if rng.random() < 0.5:
                headers[name] = "application/json" if name == "Content-Type" else header_value(rng)
        parameters = [
            [rng.choice([*NAMES, text(rng, 4)]), text(rng)] for _ in range(rng.randint(0, 6))
        ]
        moment = datetime.fromtimestamp(drawn["timestamp"], UTC)
        drawn |= {
            "headers": headers,
            "parameters": parameters,
            "date": moment.strftime("%Y%m%dT%H%M%SZ"),
        }
        cases.append(drawn)
    ours = []
    for drawn in cases:
        added = huawei_signature.sign(
            drawn["method"],
            target(drawn),
            drawn["headers"],
            drawn["body"].encode(),
            credentials(drawn),
            drawn["timestamp"],
        )
        ours.append({"target": target(drawn), "authorization": added["Authorization"]})
    assert ours == ask("huawei_signer.py", cases, tmp_path)
    assert len({each["authorization"] for each in ours}) == REQUESTS


def test_alibaba_signatures_equal_those_of_its_sdk(tmp_path: Path) -> None:
    """Path, query on the wire and Authorization agree, for 1,500 requests.

    Left out: parameter names that need encoding, which the SDK does not encode although the
    documentation says so; repeated names, which its dictionary cannot hold; and methods in lower
    case, which it does not raise.
    """
    rng = random.Random("alibaba")
    cases = []
    for _ in range(REQUESTS):
        drawn = case(rng)
        headers = {"x-acs-action": "ListInstance", "x-acs-version": "2018-11-11"}
        if rng.random() < 0.5:
            headers["content-type"] = rng.choice(["application/json", "text/plain; charset=utf-8"])
        if rng.random() < 0.5:
            headers["x-acs-note"] = header_value(rng)
        moment = datetime.fromtimestamp(drawn["timestamp"], UTC)
        drawn |= {
            "method": drawn["method"].upper(),
            "headers": headers,
            "parameters": [[name, text(rng)] for name in rng.sample(NAMES, rng.randint(0, 6))],
            "date": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "nonce": f"{rng.getrandbits(128):032x}",
        }
        cases.append(drawn)
    ours = []
    for drawn in cases:
        added = alibaba_signature.sign(
            drawn["method"],
            target(drawn),
            drawn["headers"] | {"host": drawn["host"]},
            drawn["body"].encode(),
            credentials(drawn),
            timestamp=drawn["timestamp"],
            nonce=drawn["nonce"],
        )
        ours.append({"target": target(drawn), "authorization": added["Authorization"]})
    assert ours == ask("alibaba_signer.py", cases, tmp_path)
    assert len({each["authorization"] for each in ours}) == REQUESTS
