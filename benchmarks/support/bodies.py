"""Make reports of edge jobs that are as much work to read as can be: a mebibyte each."""

_SIZE = 1024 * 1024 - 1024
_JOB = '{"message_id":"%s","jobs":[{"status":"job_running","create_time":1753000000000,"job_id":1,'
_END = "}]}"


def worst() -> dict[str, bytes]:
    """Return bodies by what is bad about them."""
    return {
        "empty lists": _job('"plan":{"a":[', "[]", "]}"),
        "vertices": _job('"plan":{"state":"RUNNING","vertices":[', "{}", "]}"),
        "nesting": _job('"plan":{"a":[', "[" * 25 + "]" * 25, "]}"),
        "numbers": _job('"metrics":{"a":[', "1", "]}"),
        "long numbers": _job('"metrics":{"a":[', "1234567890123456789", "]}"),
        "small names": _body(
            _JOB % "names" + '"metrics":{',
            [f'"{number:x}":1' for number in range(105_000)],
            "}" + _END,
        ),
        "values under one long name": _body(
            _JOB % "name" + '"metrics":{"' + "k" * 300_000 + '":[', ['"x"'] * 180_000, "]}" + _END
        ),
        "sinks that are none": _job('"metrics":{"sinks":[', "0", "]}"),
        "escapes": _body(
            _JOB % "escapes" + '"exceptions":{"exception":"', ["\\n" * 510_000], '"}' + _END
        ),
        "an object hidden in a text": _body(
            _JOB % "text" + '"plan":"{\\"a\\":[',
            ["\\u005b\\u005d\\u002c" * 57_000 + "1"],
            ']}"' + _END,
        ),
        "jobs": _body(
            '{"message_id":"jobs","jobs":[',
            [
                f'{{"status":"job_running","create_time":1753000000000,"job_id":{number}}}'
                for number in range(10_000)
            ],
            "]}",
        ),
        "jobs without end": _body(
            '{"message_id":"many","jobs":[', ['{"status":"a","create_time":1}'] * 33_000, "]}"
        ),
        "plan of real vertices": _body(
            _JOB % "plan" + '"plan":{"vertices":[',
            [
                f'{{"id":"{number:x}","status":"RUNNING","parallelism":1,"tasks":{{"RUNNING":1}}}}'
                for number in range(13_000)
            ],
            "]}" + _END,
        ),
        "names given twice": _body('{"message_id":"m","jobs":[],"x":{', ['"a":0'] * 170_000, "}}"),
        "depth": b"[" * _SIZE,
    }


def _job(lead: str, unit: str, end: str) -> bytes:
    lead = _JOB % lead[1:5] + lead
    return _body(lead, [unit] * ((_SIZE - len(lead)) // (len(unit) + 1)), end + _END)


def _body(lead: str, parts: list[str], end: str) -> bytes:
    return (lead + ",".join(parts) + end).encode()
