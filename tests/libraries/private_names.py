"""What the exporter uses of its libraries that they promise to nobody, all in one table.

A release of a library may rename any of it. So each place has a row that says why it is used and
what breaks without it, the range of each such library in pyproject.toml ends where the next release
was not tried, and code that reaches for anything else of that kind fails here.
"""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import httpx
import uvicorn
import yaml
from aiohttp import client_exceptions, client_proto, http_exceptions
from prometheus_client import platform_collector, samples
from prometheus_client import utils as prometheus_utils
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is used and promised to nobody."""

    where: str
    """The last part of the name of the module that uses it."""
    package: str
    name: str
    why: str
    breaks: str
    holds: Callable[[], bool]
    """Whether the installed version still has it, in the shape that is relied on."""


def _mentions(owner: type, name: str) -> bool:
    """Say whether the methods of a class, those of its bases left out, use an attribute."""
    functions = [each for each in vars(owner).values() if inspect.isfunction(each)]
    return any(name in each.__code__.co_names for each in functions)


def _parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


_Protocol = httptools_impl.HttpToolsProtocol
_Cycle = httptools_impl.RequestResponseCycle
_READS = "requests are judged while they are read: the limits of docs/web-configuration.md"
_LIMITS = "a limit is not enforced any more, or every request fails"


def _of_protocol(name: str, why: str = _READS, breaks: str = _LIMITS) -> Row:
    def holds() -> bool:
        return hasattr(_Protocol, name) or _mentions(_Protocol, name)

    return Row(where="protocol", package="uvicorn", name=name, why=why, breaks=breaks, holds=holds)


def _of_cycle(name: str, why: str, breaks: str) -> Row:
    return Row(
        where="protocol",
        package="uvicorn",
        name=f"cycle.{name}",
        why=why,
        breaks=breaks,
        holds=lambda: _mentions(_Cycle, name) and name in _Cycle.__init__.__code__.co_names,
    )


_Handler = client_proto.ResponseHandler


def _of_handler(name: str, why: str, breaks: str = "an answer can fill the memory again") -> Row:
    def holds() -> bool:
        return hasattr(_Handler, name) or any(_mentions(each, name) for each in _Handler.__mro__)

    return Row(where="framing", package="aiohttp", name=name, why=why, breaks=breaks, holds=holds)


def _of_aiohttp(name: str, holds: Callable[[], bool]) -> Row:
    return Row(
        where="framing",
        package="aiohttp",
        name=f"aiohttp.{name}",
        why="what comes around an answer is counted where aiohttp takes in its bytes",
        breaks="the module cannot be imported",
        holds=holds,
    )


def _makes_its_protocols() -> bool:
    return any(
        "_factory" in vars(each)["__init__"].__code__.co_names
        for each in aiohttp.TCPConnector.__mro__[:-1]
    )


def _of_loader(name: str, parameter: str, why: str, breaks: str) -> Row:
    def holds() -> bool:
        return _parameters(getattr(yaml.SafeLoader, name))[:2] == ["self", parameter]

    return Row(
        where="yaml_documents", package="yaml", name=name, why=why, breaks=breaks, holds=holds
    )


async def _nothing(scope: object, receive: object, send: object) -> None: ...


def _takes_a_function() -> bool:
    def protocol() -> None: ...

    config = Config(app=_nothing, http=protocol, interface="asgi3", log_config=None)  # type: ignore[arg-type]
    config.load()
    return config.http_protocol_class is protocol  # type: ignore[comparison-overlap]


ROWS = [
    Row(
        where="transport",
        package="aiohttp",
        name="_retry_connection",
        why="aiohttp sends a request again when its connection breaks, and no option forbids it",
        breaks="a signed request is sent twice: refused as a replay, and counted once",
        holds=lambda: (
            _mentions(aiohttp.ClientSession, "_retry_connection")
            and "_retry_connection" in aiohttp.ClientSession.__init__.__code__.co_names
        ),
    ),
    Row(
        where="transport",
        package="aiohttp",
        name="aiohttp.http_exceptions",
        why="errors of its parser that are no ClientError come out of bodies",
        breaks="such an answer is an unexpected error instead of an invalid one",
        holds=lambda: issubclass(http_exceptions.HttpProcessingError, Exception),
    ),
    Row(
        where="transport",
        package="aiohttp",
        name="_factory",
        why="the connector makes the protocol of each connection by it, and no option says which",
        breaks="what comes around an answer has no bound",
        holds=_makes_its_protocols,
    ),
    _of_aiohttp("client_proto", lambda: issubclass(_Handler, asyncio.Protocol)),
    _of_aiohttp(
        "client_exceptions",
        lambda: aiohttp.ClientPayloadError is client_exceptions.ClientPayloadError,
    ),
    _of_aiohttp("http_exceptions", lambda: issubclass(http_exceptions.BadHttpMessage, Exception)),
    _of_handler("data_received", "all bytes of a connection come by it"),
    _of_handler("feed_data", "each head that was parsed is handed on by it"),
    _of_handler("set_response_params", "with it begins the wait for an answer"),
    _of_handler("_payload", "how much of what came was of the body"),
    _of_handler("transport", "a connection that is refused ends at once"),
    _of_handler(
        "exception",
        "whether the parser has refused something",
        "a body whose trailers are refused is waited for until the time is over",
    ),
    _of_handler("set_exception", "whoever waits for the answer hears why it was refused"),
    Row(
        where="urls",
        package="httpx",
        name="_uri_reference",
        why="reading a URL anew takes a tenth of a call; only its path and query change",
        breaks="no request can be made",
        holds=lambda: (
            httpx.URL("http://h/a")._uri_reference._replace(path="/b", query="c=d").query == "c=d"
            and list(vars(httpx.URL("http://h/a"))) == ["_uri_reference"]
        ),
    ),
    Row(
        where="server",
        package="uvicorn",
        name="startup",
        why="whoever starts the server waits until it listens",
        breaks="nothing is told to be ready, and starting hangs",
        holds=lambda: (
            inspect.iscoroutinefunction(uvicorn.Server.startup)
            and _parameters(uvicorn.Server.startup) == ["self", "sockets"]
        ),
    ),
    Row(
        where="server",
        package="uvicorn",
        name="capture_signals",
        why="uvicorn sends a signal again after it has stopped; ours are heard elsewhere",
        breaks="the program ends by SIGTERM with a failure instead of 0",
        holds=lambda: _mentions(uvicorn.Server, "capture_signals"),
    ),
    Row(
        where="server",
        package="uvicorn",
        name="should_exit",
        why="how a server that runs in our own loop is told to stop",
        breaks="the program does not end",
        holds=lambda: _mentions(uvicorn.Server, "should_exit"),
    ),
    Row(
        where="server",
        package="uvicorn",
        name="Config(http=function)",
        why="each connection gets the protocol of its moment: TLS or not, and which certificate",
        breaks="nothing is served",
        holds=_takes_a_function,
    ),
    Row(
        where="protocol",
        package="uvicorn",
        name="uvicorn.protocols.http.httptools_impl",
        why="the protocol that is bounded by a subclass",
        breaks="nothing is served",
        holds=lambda: (
            _parameters(_Protocol.__init__)
            == ["self", "config", "server_state", "app_state", "_loop"]
        ),
    ),
    Row(
        where="protocol",
        package="uvicorn",
        name="uvicorn.server",
        why="the type of what the protocol is given",
        breaks="the module cannot be imported",
        holds=lambda: isinstance(ServerState().connections, set),
    ),
    Row(
        where="protocol",
        package="uvicorn",
        name="uvicorn.config",
        why="the type of what the protocol is given",
        breaks="the module cannot be imported",
        holds=lambda: Config is uvicorn.Config,
    ),
    _of_protocol("connection_made"),
    _of_protocol("connection_lost"),
    _of_protocol("data_received"),
    _of_protocol("on_message_begin"),
    _of_protocol(
        "on_url",
        "a head that is put before a body is none that was sent",
        "reports of agents that ask for HTTP/2 are refused",
    ),
    _of_protocol("on_header", "nothing but the head is a head", "trailers count as headers"),
    _of_protocol("on_headers_complete"),
    _of_protocol("on_body"),
    _of_protocol("on_message_complete"),
    _of_protocol(
        "on_response_complete", "the time of an answer ends with it", "connections end early"
    ),
    _of_protocol("parser"),
    _of_protocol("transport"),
    _of_protocol("url"),
    _of_protocol("headers"),
    _of_protocol("cycle", "whether an answer has begun, or is complete"),
    _of_protocol("pipeline", "how many requests were sent ahead"),
    _of_protocol(
        "_unset_keepalive_if_required",
        "how long a connection may be idle is ours to say",
        "idle connections end after five seconds: every scrape makes a new one",
    ),
    _of_cycle(
        "response_complete",
        "what comes of a body after the answer is counted, and dropped",
        "the end of a slow upload is taken for a request",
    ),
    _of_cycle(
        "response_started",
        "a refusal must not be put into the middle of an answer",
        "answers are mixed",
    ),
    Row(
        where="protocol",
        package="uvicorn",
        name="cycle.send",
        why="an answer without a length is sent without chunks to clients of HTTP/1.0",
        breaks="such a client takes the lengths of chunks for a part of the answer",
        holds=lambda: (
            {"chunked_encoding", "expected_content_length"} <= set(_Cycle.send.__code__.co_names)
        ),
    ),
    _of_cycle(
        "keep_alive",
        "a connection that shall end does, whatever else is asked for beside it",
        "it stays open until it was idle for too long",
    ),
    _of_cycle(
        "disconnected",
        "an application whose request was refused must not answer as well",
        "answers are mixed",
    ),
    _of_cycle(
        "message_event",
        "the same: it is woken to hear of it",
        "a refused report waits for its body until its time is up",
    ),
    _of_loader(
        "compose_mapping_node",
        "anchor",
        "a mapping is seen as it is written, before merges",
        "a key that is given twice is taken silently",
    ),
    _of_loader(
        "construct_yaml_int",
        "node",
        "Python refuses to write very long numbers again",
        "such a number ends the program with a traceback",
    ),
    _of_loader(
        "construct_yaml_float",
        "node",
        "of a number with hundreds of colons Python makes no float",
        "such a number is told without its place",
    ),
    _of_loader(
        "flatten_mapping",
        "node",
        "merges are bounded as they are carried out",
        "a file of a few lines can fill the memory",
    ),
    Row(
        where="telemetry",
        package="prometheus_client",
        name="prometheus_client.platform_collector",
        why="python_info without the default registry",
        breaks="the module cannot be imported",
        holds=lambda: bool(list(platform_collector.PlatformCollector(registry=None).collect())),
    ),
    Row(
        where="self_metrics",
        package="prometheus_client",
        name="prometheus_client.samples",
        why="the type of what collectors yield",
        breaks="the module cannot be imported",
        holds=lambda: samples.Sample._fields[:3] == ("name", "labels", "value"),
    ),
    Row(
        where="histogram",
        package="prometheus_client",
        name="prometheus_client.utils",
        why="bounds of buckets are written as the library writes them",
        breaks="the module cannot be imported",
        holds=lambda: prometheus_utils.floatToGoString(0.25) == "0.25",  # type: ignore[no-untyped-call]
    ),
]

SEEN_BY_NOBODY = {
    ("server", "uvicorn", "should_exit"),
    ("server", "uvicorn", "Config(http=function)"),
}
"""Rows that no reading of the source would find, because they look like anything else."""
