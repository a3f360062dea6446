"""Whose credentials are refused is told what to look at, in our own words and not the vendor's."""

import json

import pytest

from exporter.errors import Reason
from exporter.upstream.refusals import Answer, ReadRefusal, alibaba, aws, huawei

_QUOTED = "what was signed is AKIDQUOTED"


@pytest.mark.parametrize(
    ("read", "status", "body", "advice"),
    [
        (huawei.read_refusal, 401, {"error_code": "APIGW.0301"}, "the clock of this machine"),
        (huawei.read_refusal, 403, {"error_code": "APIG.0302"}, "what they may do"),
        (huawei.read_refusal, 403, {"error_code": "DLI.0003"}, "what they may do"),
        (alibaba.read_refusal, 400, {"Code": "SignatureDoesNotMatch"}, "the access key is not"),
        (alibaba.read_refusal, 404, {"Code": "InvalidAccessKeyId.NotFound"}, "check auth"),
        (alibaba.read_refusal, 403, {"Code": "Forbidden.RAM"}, "in a RAM policy"),
        (aws.read_refusal, 400, {"__type": "UnrecognizedClientException"}, "check auth"),
        (aws.read_refusal, 400, {"__type": "ExpiredTokenException"}, "have expired"),
    ],
)
def test_refused_credentials_come_with_what_to_look_at(
    read: ReadRefusal, status: int, body: dict[str, str], advice: str
) -> None:
    messages = {"error_msg": _QUOTED, "Message": _QUOTED, "message": _QUOTED}
    refusal = read(Answer(status=status, headers={}, body=json.dumps(body | messages).encode()))
    assert refusal is not None
    assert refusal.reason is Reason.AUTH
    assert advice in refusal.told
    assert "QUOTED" not in refusal.told
