"""Sign requests with Huawei Cloud's own signer: JSON lines in, JSON lines out.

Run by tests/auth/test_oracle.py with the interpreter of .venv-oracle.
"""

import json
import sys
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from huaweicloudsdkcore.sdk_request import SdkRequest  # type: ignore[import-not-found]
from huaweicloudsdkcore.signer.signer import Signer  # type: ignore[import-not-found]


def sign(case: dict[str, Any]) -> dict[str, str]:
    headers = dict(case["headers"]) | {"X-Sdk-Date": case["date"]}
    if case["security_token"]:
        # BasicCredentials.process_auth_request adds it before it signs.
        headers["X-Security-Token"] = case["security_token"]
    request = SdkRequest(
        method=case["method"],
        schema="https",
        host=case["host"],
        # As in Client._parse_path_params.
        resource_path="/" + "/".join(quote(segment, safe="") for segment in case["segments"]),
        query_params=[(name, value) for name, value in case["parameters"]],
        header_params=headers,
        body=case["body"],
    )
    key = SimpleNamespace(ak=case["access_key"], sk=case["secret_key"])
    signed = Signer(key).sign(request)
    return {"target": signed.uri, "authorization": signed.header_params["Authorization"]}


for line in sys.stdin:
    sys.stdout.write(json.dumps(sign(json.loads(line))) + "\n")
