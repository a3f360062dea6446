"""Sign requests with the signer of Amazon's own botocore: JSON lines in, JSON lines out.

Run by tests/auth/aws/test_oracle.py with the interpreter of .venv-oracle/aws.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import botocore.auth  # type: ignore[import-not-found]
from botocore.awsrequest import AWSRequest  # type: ignore[import-not-found]
from botocore.credentials import Credentials  # type: ignore[import-not-found]


def sign(case: dict[str, Any]) -> dict[str, str]:
    moment = datetime.fromtimestamp(case["timestamp"], UTC)
    botocore.auth.get_current_datetime = lambda remove_tzinfo=True: (
        moment.replace(tzinfo=None) if remove_tzinfo else moment
    )
    key = Credentials(case["access_key"], case["secret_key"], case["security_token"] or None)
    request = AWSRequest(
        method=case["method"],
        url=f"https://{case['host']}{case['target']}",
        headers=case["headers"],
        data=case["body"].encode(),
    )
    botocore.auth.SigV4Auth(key, case["service"], case["region"]).add_auth(request)
    return {"authorization": request.headers["Authorization"]}


for line in sys.stdin:
    sys.stdout.write(json.dumps(sign(json.loads(line))) + "\n")
