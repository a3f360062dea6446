"""Be an independent AWS: moto, on a free port, with some applications and figures in it.

Run with the interpreter of .venv-oracle/aws; prints the port, and ends when its input does. moto
does not know how applications live: what is known of its faults is mended here, so that what it
puts on the wire can be read.
"""

import datetime
import sys

import boto3  # type: ignore[import-not-found]
from moto.kinesisanalyticsv2.models import (  # type: ignore[import-not-found]
    kinesisanalyticsv2_backends,
)
from moto.server import ThreadedMotoServer  # type: ignore[import-not-found]

ACCOUNT, REGION = "123456789012", "eu-west-1"


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    there = {
        "region_name": REGION,
        "endpoint_url": f"http://127.0.0.1:{port}",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    for name, status in (("orders", "RUNNING"), ("clicks", "READY")):
        boto3.client("kinesisanalyticsv2", **there).create_application(
            ApplicationName=name,
            RuntimeEnvironment="FLINK-1_20",
            ServiceExecutionRole=f"arn:aws:iam::{ACCOUNT}:role/flink",
        )
        known = kinesisanalyticsv2_backends[ACCOUNT][REGION].applications[name]
        known.application_status = status
        known.creation_date_time = known.last_updated_date_time = 1_690_000_000.5
    minute = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
    boto3.client("cloudwatch", **there).put_metric_data(
        Namespace="AWS/KinesisAnalytics",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Application", "Value": "orders"}],
                "Timestamp": minute - datetime.timedelta(minutes=2),
                "Value": value,
            }
            for name, value in (
                ("downtime", 12_000.0),
                ("fullRestarts", 7.0),
                ("fullRestarts", 3.0),
            )
        ],
    )
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


main()
