"""Sign requests with Alibaba Cloud's own signer: JSON lines in, JSON lines out.

Run by tests/auth/test_oracle.py with the interpreter of .venv-oracle.
"""

import json
import sys
from typing import Any

from alibabacloud_openapi_util.client import (  # type: ignore[import-not-found]
    Client,
    get_canonical_query_string,
)
from Tea.request import TeaRequest  # type: ignore[import-not-found]

ALGORITHM = "ACS3-HMAC-SHA256"


def sign(case: dict[str, Any]) -> dict[str, str]:
    payload = Client.hex_encode(Client.hash(case["body"].encode(), ALGORITHM))
    request = TeaRequest()
    request.method = case["method"]
    request.pathname = "/" + "/".join(Client.get_encode_param(part) for part in case["segments"])
    request.query = dict(case["parameters"])
    # This signer signs every header it is given, so it gets those that the documentation names.
    request.headers = dict(case["headers"]) | {
        "host": case["host"],
        "x-acs-date": case["date"],
        "x-acs-signature-nonce": case["nonce"],
        "x-acs-content-sha256": payload,
    }
    if case["security_token"]:
        request.headers["x-acs-security-token"] = case["security_token"]
    authorization = Client.get_authorization(
        request, ALGORITHM, payload, case["access_key"], case["secret_key"]
    )
    query = get_canonical_query_string(request.query)
    target = f"{request.pathname}?{query}" if query else request.pathname
    return {"target": target, "authorization": authorization}


for line in sys.stdin:
    sys.stdout.write(json.dumps(sign(json.loads(line))) + "\n")
