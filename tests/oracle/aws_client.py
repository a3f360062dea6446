"""Ask services of AWS with Amazon's own boto3: JSON lines in, JSON lines out.

Run with the interpreter of .venv-oracle/aws. A line names service, address, operation and its
parameters; the answer is what boto3 makes of it, or the code of its refusal.
"""

import datetime
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-not-found]
import botocore  # type: ignore[import-not-found]
from botocore.config import Config  # type: ignore[import-not-found]
from botocore.exceptions import ClientError  # type: ignore[import-not-found]


def only_json(folder: Path) -> None:
    """Leave boto3 no other protocol for CloudWatch than the JSON that is spoken here."""
    origin = Path(botocore.__file__).parent / "data" / "cloudwatch" / "2010-08-01"
    model = json.loads(gzip.decompress((origin / "service-2.json.gz").read_bytes()))
    model["metadata"] |= {"protocol": "json", "protocols": ["json"], "jsonVersion": "1.0"}
    target = folder / "cloudwatch" / "2010-08-01"
    target.mkdir(parents=True)
    (target / "service-2.json").write_text(json.dumps(model))


def plain(value: Any) -> Any:
    """Return an answer as JSON can carry it: times as epoch seconds."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items() if name != "ResponseMetadata"}
    return [plain(each) for each in value] if isinstance(value, list) else value


def answer(asked: dict[str, Any]) -> Any:
    client = boto3.client(
        asked["service"],
        region_name="eu-west-1",
        endpoint_url=asked["endpoint"],
        aws_access_key_id=asked["key"],
        aws_secret_access_key=asked["secret"],
        aws_session_token=asked.get("token"),
        config=Config(retries={"total_max_attempts": 1}),
    )
    if "paginate" in asked:
        pages = client.get_paginator(asked["operation"]).paginate(**asked["parameters"])
        return [plain(row) for page in pages for row in page[asked["paginate"]]]
    try:
        return plain(getattr(client, asked["operation"])(**asked["parameters"]))
    except ClientError as exc:
        return {"refused": exc.response["Error"]["Code"]}


with tempfile.TemporaryDirectory() as name:
    only_json(Path(name))
    os.environ["AWS_DATA_PATH"] = name
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
