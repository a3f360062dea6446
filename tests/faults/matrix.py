"""The matrix: each fault of an answer, the reason it is counted under, how often it is sent.

`sends` is how often a request is sent within one poll before it is given up. What a row says holds
for every operation of every platform, except where `UNLESS` says otherwise.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from exporter.errors import Reason
from tests.faults import spoils, words
from tests.faults.exchange import Spoil, Told
from tests.faults.operations import Operation, Part

Make = Callable[[Operation, str], Spoil]
"""Makes the spoil for an operation, given the address of a host that nobody may ask."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is to be seen: the reason counted, None when nothing fails, and the requests sent.

    Where a question has several steps, `sends` is None: it depends on which of them fails.
    """

    reason: Reason | None
    sends: int | None = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: a group, what happens, how it is made, and the reaction to it."""

    group: str
    name: str
    make: Make
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class Special:
    """Where a fault is met in another way: which faults, at which operations, and why."""

    faults: str
    """A pattern of their names."""
    at: str
    """The operations, in words."""
    covers: Callable[[Operation], bool]
    reaction: Reaction
    why: str


def _always(spoil: Spoil) -> Make:
    return lambda operation, elsewhere: spoil


def _refusing(status: int) -> list[Fault]:
    worded = _BY_STATUS[status]
    # Any web server says 404: only the platform's own words are about a thing that is not there.
    other = Reaction(Reason.INVALID_RESPONSE) if status == 404 else worded
    shapes: dict[str, Callable[[Operation], Told]] = {
        "in the platform's words": lambda operation: words.worded(operation, status),
        "with a page": lambda operation: words.page(status),
        "with nothing": lambda operation: Told(status=status),
        "with an array": lambda operation: Told(status=status, headers=spoils.JSON, body=b"[]"),
    }

    def making(shape: Callable[[Operation], Told]) -> Make:
        return lambda operation, elsewhere: spoils.telling(shape(operation))

    return [
        Fault(
            f"status {status}",
            f"{status} {name}",
            making(shape),
            worded if name == "in the platform's words" else other,
        )
        for name, shape in shapes.items()
    ]


def _redirecting(status: int) -> Fault:
    def make(operation: Operation, elsewhere: str) -> Spoil:
        return spoils.telling(spoils.redirect(status, elsewhere))

    return Fault("redirect", f"{status} to another host", make, Reaction(Reason.SERVER))


_BY_STATUS = {
    400: Reaction(Reason.SERVER),
    401: Reaction(Reason.AUTH),
    403: Reaction(Reason.AUTH),
    404: Reaction(Reason.NOT_FOUND),
    409: Reaction(Reason.SERVER),
    429: Reaction(Reason.THROTTLED, 3),
    500: Reaction(Reason.SERVER, 3),
    502: Reaction(Reason.SERVER, 3),
    503: Reaction(Reason.SERVER, 3),
    504: Reaction(Reason.SERVER, 3),
}


def _body(data: bytes) -> Make:
    return _always(spoils.rewriting(lambda told: told.with_body(data)))


def _slowing_down(operation: Operation, elsewhere: str) -> Spoil:
    return spoils.telling(words.throttled(operation))


def _claiming(operation: Operation, elsewhere: str) -> Spoil:
    return words.claiming(operation)


_TIMEOUT = Reaction(Reason.TIMEOUT, 2)
_BROKEN = Reaction(Reason.CONNECTION, 3)
_INVALID = Reaction(Reason.INVALID_RESPONSE)

FAULTS = (
    Fault("no answer", "silence", _always(spoils.silence), _TIMEOUT),
    Fault("no answer", "headers, then silence", _always(spoils.head_only), _TIMEOUT),
    Fault("no answer", "half a body, then silence", _always(spoils.half_and_silence), _TIMEOUT),
    Fault("no answer", "a byte every half second", _always(spoils.drip), _TIMEOUT),
    Fault(
        "no answer",
        "Content-Length longer than the body",
        _always(spoils.length_too_long),
        _TIMEOUT,
    ),
    Fault("no answer", "connection cut before the answer", _always(spoils.hang_up), _BROKEN),
    Fault("no answer", "connection cut in the body", _always(spoils.cut_in_the_body), _BROKEN),
    Fault(
        "no answer", "connection cut between chunks", _always(spoils.cut_between_chunks), _BROKEN
    ),
    Fault("not HTTP", "another protocol", _always(spoils.not_http), _BROKEN),
    Fault("not HTTP", "a header without end", _always(spoils.endless_header), _BROKEN),
    Fault("not HTTP", "a chunk without a length", _always(spoils.broken_chunk), _BROKEN),
    Fault(
        "not HTTP",
        "Content-Length shorter than the body",
        _always(spoils.length_too_short),
        _BROKEN,
    ),
    Fault("not HTTP", "two different Content-Lengths", _always(spoils.two_lengths), _BROKEN),
    *(fault for status in words.STATUSES for fault in _refusing(status)),
    *(_redirecting(status) for status in (301, 302, 303, 307, 308)),
    Fault("false success", "200 that says it failed", _claiming, Reaction(Reason.SERVER)),
    Fault(
        "throttled",
        "a request to slow down that the status does not tell",
        _slowing_down,
        Reaction(Reason.THROTTLED, 3),
    ),
    Fault(
        "another service",
        "404 of another service",
        _always(
            spoils.telling(Told(status=404, headers=spoils.JSON, body=b'{"detail": "Not Found"}'))
        ),
        _INVALID,
    ),
    Fault(
        "another service",
        "404 of an object storage",
        _always(spoils.telling(spoils.storage(404, b"NoSuchKey"))),
        _INVALID,
    ),
    Fault(
        "another service",
        "403 of an object storage",
        _always(spoils.telling(spoils.storage(403, b"AccessDenied"))),
        _INVALID,
    ),
    Fault("another service", "200 of another service", _body(b'{"status": "ok"}'), _INVALID),
    Fault("too much", "100 MB of JSON", _always(spoils.large), _INVALID),
    Fault("too much", "100 MB in 100 kB of gzip", _always(spoils.bomb), _INVALID),
    Fault("too much", "100 MB compressed twice", _always(spoils.bomb_in_a_bomb), _INVALID),
    Fault("too much", "JSON nested 10,000 deep", _always(spoils.telling(spoils.deep())), _INVALID),
    Fault(
        "not as documented",
        "half of the JSON",
        _always(spoils.rewriting(spoils.truncated)),
        _INVALID,
    ),
    Fault("not as documented", "gzip that is none", _always(spoils.no_gzip), _INVALID),
    Fault("not as documented", "200 with a page", _body(spoils.HTML), _INVALID),
    Fault("not as documented", "200 with nothing", _body(b""), _INVALID),
    Fault("not as documented", "200 with an array", _body(b"[]"), _INVALID),
    Fault("not as documented", "200 with an empty object", _body(b"{}"), _INVALID),
    Fault("not as documented", "200 with null", _body(b"null"), _INVALID),
    Fault(
        "not as documented",
        "JSON labelled as a page",
        _always(spoils.rewriting(spoils.mislabelled)),
        Reaction(None),
    ),
)


def _in(*names: str) -> Callable[[Operation], bool]:
    return lambda operation: operation.name in names


def _at(host: str) -> Callable[[Operation], bool]:
    return lambda operation: operation.host == host


def _part(part: Part) -> Callable[[Operation], bool]:
    return lambda operation: operation.part is part


UNLESS = (
    Special(
        "silence|.*, then silence|a byte every half second|Content-Length longer than the body",
        "JobManagers of the Flink operator",
        lambda operation: operation.host == "managers",
        Reaction(Reason.TIMEOUT),
        "each job has one of its own: what hangs is not asked a second time within a poll",
    ),
    Special(
        "200 that says it failed",
        "the Kubernetes API",
        lambda operation: operation.vendor == "kubernetes",
        Reaction(Reason.INVALID_RESPONSE),
        "it never does so; what is not the kind that was asked for is no answer",
    ),
    Special(
        "JSON labelled as a page",
        "everything",
        lambda _: True,
        Reaction(None, None),
        "what a gateway says about the type of an answer is often wrong",
    ),
    Special(
        "200 that says it failed",
        "the endpoint of containers of AWS",
        _in("GetContainerCredentials"),
        Reaction(None),
        "it never does so; keys are there all the same, and they are good",
    ),
    Special(
        ".*",
        "instance metadata",
        _part(Part.METADATA),
        Reaction(Reason.AUTH, None),
        "without it there are no credentials; no step of it is repeated within a poll",
    ),
    Special(
        "200 that says it failed",
        "STS of AWS",
        _at("aws_sts"),
        Reaction(Reason.INVALID_RESPONSE),
        "it never does so; what holds no keys is no answer",
    ),
    Special(
        "(400|404|409) in the platform's words|200 that says it failed",
        "STS of Tencent Cloud",
        _at("tencent_sts"),
        Reaction(Reason.AUTH),
        "it refuses the identity that was set up, and no other will do",
    ),
    Special(
        "(401|403) with .*",
        "STS of Tencent Cloud",
        _at("tencent_sts"),
        Reaction(Reason.INVALID_RESPONSE),
        "its own refusals come with status 200: it is somebody on the way who says so",
    ),
    Special(
        "200 with an empty object|200 of another service",
        "`ListMetrics` of CloudWatch",
        _in("ListMetrics"),
        Reaction(None),
        "nothing in it is required: most applications read no stream that has a delay",
    ),
    Special(
        "400 in the platform's words",
        "login",
        _part(Part.LOGIN),
        Reaction(Reason.AUTH),
        "IAM says so of an unknown user, domain or project, STS of tokens and parameters",
    ),
    Special(
        "400 with .*",
        "login",
        _part(Part.LOGIN),
        Reaction(Reason.INVALID_RESPONSE),
        "it is not IAM or STS who says so",
    ),
    Special(
        "409 .*|30. .*",
        "login",
        _part(Part.LOGIN),
        Reaction(Reason.INVALID_RESPONSE),
        "IAM and STS never say so",
    ),
    Special(
        "200 that says it failed",
        "login",
        _part(Part.LOGIN),
        Reaction(None),
        "a token or keys are there all the same, and they are good",
    ),
    Special(
        "200 that says it failed",
        "Apache Flink",
        lambda operation: operation.vendor == "apache",
        Reaction(Reason.NOT_FOUND),
        "a history server keeps errors and tells them with 200",
    ),
    Special(
        "30[78] .*",
        "Apache Flink",
        lambda operation: operation.vendor == "apache",
        Reaction(Reason.SERVER, 3),
        "a standby JobManager points to the leader, until it is the leader itself",
    ),
    Special(
        "40[09] in the platform's words",
        "the plan of a DLI job, `GetInstance` of Blink",
        _in("ShowFlinkJobExecutionGraph", "GetInstance"),
        Reaction(None),
        "they say so of a job that has just stopped; what the gateway says is about all jobs",
    ),
    Special(
        "200 with (an array|an empty object|null)|200 of another service",
        "the plan of a DLI job; version, metrics, checkpoints and exceptions of Apache Flink",
        _in(
            "/config",
            "ShowFlinkJobExecutionGraph",
            "/jobs/:jobid/metrics",
            "/jobs/:jobid/checkpoints",
            "/jobs/:jobid/exceptions",
            "/jobs/:jobid/vertices/:vertexid",
            "/jobs/:jobid/vertices/:vertexid/metrics",
            "/jobs/:jobid/vertices/:vertexid/subtasks/metrics",
        ),
        Reaction(None, None),
        "nothing in it is required; fields of the wrong kind are counted as unreadable",
    ),
    Special(
        "404 with a page",
        "Kafka Connect",
        lambda operation: operation.vendor == "kafka",
        Reaction(Reason.SERVER),
        "a worker that starts says so of everything",
    ),
    Special(
        "404 in the platform's words",
        "`/health` of Kafka Connect",
        _in("/health"),
        Reaction(None),
        "workers of before 3.9 do not have it",
    ),
    Special(
        "200 with an empty object",
        "the listing of Kafka Connect",
        _in("/connectors"),
        Reaction(None),
        "a worker without connectors says so; each that is missed is asked for by itself",
    ),
)


def expected(fault: Fault, operation: Operation) -> Reaction:
    """Return the reaction to a fault at an operation."""
    reaction = fault.reaction
    for special in UNLESS:
        if special.covers(operation) and re.fullmatch(special.faults, fault.name):
            reaction = special.reaction
            break
    if operation.part is Part.EXTRA and (reaction.reason is Reason.AUTH or reaction.sends == 3):
        # Asked as often as anything, and missed by nobody: a proxy may keep it to itself.
        return Reaction(None, reaction.sends)
    return reaction
