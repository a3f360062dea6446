"""Fuzz what reads the answers of the platforms' APIs.

Each target does what the platform's source does with one answer: decode it, parse it, settle what
follows from it, and show it. FetchError and UnreadableError are how an answer is refused as a
whole; anything else that is raised is a crash.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from exporter.collecting.merging import finish, merge
from exporter.errors import FetchError, UnreadableError
from exporter.fields import Flaws, Record
from exporter.model import Job, State
from exporter.platforms import (
    alibaba_blink,
    huawei_dataarts,
    huawei_dli,
)
from exporter.upstream.client import decode_json
from exporter.upstream.refusals import Answer
from exporter.vendors import (
    alibaba,
    alibaba_xml,
    cloud_eye,
    huawei_inventory,
    ververica,
    ververica_figures,
)
from exporter.vendors.flink import (
    delay as flink_delay,
)
from exporter.vendors.flink import (
    exchanged,
)
from exporter.vendors.flink import (
    freshness as flink_freshness,
)
from exporter.vendors.flink import (
    gatherings as flink_gatherings,
)
from exporter.vendors.flink import (
    graph as flink_graph,
)
from exporter.vendors.flink import (
    health as flink_health,
)
from exporter.vendors.flink import (
    jobs as flink_jobs,
)
from exporter.vendors.flink import (
    throughput as flink_throughput,
)
from fuzz import examples
from fuzz.page import NOW, Pages, Unsound
from fuzz.target import Form, Target

_KNOWN = Job(
    project="p",
    job_id="j",
    job_name="j",
    state=State.RUNNING,
    native_status="job_running",
    observed_timestamp=NOW,
)
_ORIGIN = alibaba_blink.Origin(project="p", job_type="FLINK_STREAM", observed=NOW)
_SHARE = 16
"""Of so many inputs one is read back from the page; by its checksum, so that it stays the same."""

Read = Callable[[Any, Flaws], Iterable[Job]]


class _Reader:
    """Show what comes of an answer, and look at what was noted about it."""

    def __init__(self, read: Read, decode: Callable[[bytes], Any]) -> None:
        self._read = read
        self._decode = decode
        self._pages = Pages()

    def __call__(self, data: bytes) -> None:
        flaws = Flaws()
        try:
            jobs = list(self._read(self._decode(data), flaws))
        except (FetchError, UnreadableError) as exc:
            _check_message(str(exc))
            return
        for flaw in flaws.unreadable:
            _check_message(str(flaw))
        shown = [finish(job) for job in jobs]
        self._pages.show(shown, read_back=zlib.crc32(data) % _SHARE == 0)
        for job in shown:
            # A later row that tells less must go together with it.
            merge(job, _KNOWN._replace(job_id=job.job_id, observed_timestamp=NOW + 1))


def object_reader(read: Read) -> Callable[[bytes], None]:
    """Return the check of answers that are JSON objects, given what reads one."""
    return _Reader(read, _flink_object)


def _check_message(message: str) -> None:
    message.encode("utf-8")
    if len(message) > 4096:
        raise Unsound("a message is as long as what it is about")


def _json(data: bytes) -> Any:
    return decode_json("fuzz", Answer(status=200, headers={}, body=data))


def _object(data: bytes) -> Mapping[str, Any]:
    return alibaba.read_object("fuzz", Answer(status=200, headers={}, body=data))


def _flink_object(data: bytes) -> Mapping[str, Any]:
    document = _json(data)
    if not isinstance(document, Mapping):
        # The source refuses these by itself.
        raise UnreadableError("expected an object")
    return document


def _dli_plan(document: Any, flaws: Flaws) -> Iterable[Job]:
    flow = huawei_dli.parse_plan_flow(document)
    return [huawei_dli.add_plan(_KNOWN, huawei_dli.parse_plan(document, flaws), flow)]


def _cloud_eye(document: Any, flaws: Flaws) -> Iterable[Job]:
    told: dict[str, Any] = {
        figure.field: figure.value for figure in cloud_eye.parse_figures(document, NOW, flaws)
    }
    return [_KNOWN._replace(**told)]


def _blink_instance(document: Mapping[str, Any], flaws: Flaws) -> Iterable[Job]:
    fields = alibaba.upper_camel(document)
    record = Record(fields.get("Instance", fields), "Instance", flaws)
    found = alibaba_blink.parse_instance(record, _ORIGIN, flaws)
    return [] if found is None else [found]


def _blink_rows(parse: Callable[..., Any]) -> Read:
    def read(document: Any, flaws: Flaws) -> Iterable[Job]:
        page = parse(document, _ORIGIN, flaws)
        return alibaba_blink.latest_by_name(job for _, job in page.rows)

    return read


def _vvp_rows(document: Any, flaws: Flaws) -> Iterable[Job]:
    page = ververica.parse_deployments(document, "p", NOW, flaws)
    return [row.settled("FAILED").job for _, row in page.rows]


def _flink_id(document: Any, flaws: Flaws) -> Iterable[Job]:
    found = ververica_figures.parse_jid(document, flaws)
    if len(found) != 32:
        raise Unsound("an id that is none")
    return [_KNOWN._replace(job_id=found)]


def _flink_job(document: Any, flaws: Flaws) -> Iterable[Job]:
    graph = Record(document, "job", flaws)
    for vertex in flink_delay.parse_vertices(graph).values():
        flink_delay.select(flink_delay.subtask_names(["0.currentInputWatermark"], 2))
        _check_selection(flink_delay.subtask_names(["currentInputWatermark"], vertex.parallelism))
    # An id that is not the one asked for is refused before.
    assert flink_freshness.parse_attempts(document, flaws) >= 0
    flink_freshness.parse_entered(graph)
    flink_freshness.parse_begun(graph)
    return [flink_jobs.parse_job(graph, NOW, flaws)._replace(job_id="j")]


def _flink_metrics(document: Any, flaws: Flaws) -> Iterable[Job]:
    restarts = flink_health.parse_restarts(document, flaws)
    flow = _flink_flow(document, flaws)
    moment = flink_gatherings.parse_moment(document, NOW - 60, NOW, flaws)
    assert moment is None or NOW - 60 < moment < NOW + 60
    names = flink_delay.parse_metric_names(document, flaws)
    for selection in flink_delay.select(
        [*flink_delay.delay_names(names), *flink_throughput.flow_names(names, _VERTEX, busy=True)]
    ):
        if len(selection) > 3000:
            raise Unsound("a selection is too long for Flink")
    delay = flink_delay.parse_vertex_delay([document], NOW, flaws)
    _check_selection(flink_delay.subtask_names(delay.partial, 3))
    single = flink_delay.parse_subtask_delay(document, NOW, flaws)
    seconds = flink_delay.worst([delay.seconds, single])
    return [_KNOWN._replace(restart_times=restarts, input_delay_seconds=seconds, **flow)]


_VERTEX = flink_delay.Vertex(vertex_id="v", parallelism=2, is_source=True, is_sink=True, readers=())


def _flink_flow(document: Any, flaws: Flaws) -> dict[str, Any]:
    flow = flink_throughput.parse_vertex_flow([document], _VERTEX, flaws)
    found = {
        **flink_throughput.read_figures([flow], 3600.0),
        **flink_throughput.written_figures([flow], 3600.0),
        **flink_throughput.busy_figures([flow], 3600.0),
    }
    for name, value in found.items():
        if value is not None and (value < 0 or ("ratio" in name and value > 1)):
            raise Unsound(f"{name} is {value}")
    return found


def _check_selection(names: list[str]) -> None:
    if len(names) > 10_000:
        raise Unsound("an answer of a few bytes makes names without end")
    flink_delay.select(names)


def _flink_checkpoints(document: Any, flaws: Flaws) -> Iterable[Job]:
    found = flink_health.parse_checkpoints(document, flaws)
    return [
        _KNOWN._replace(
            checkpoints_completed=found.completed,
            checkpoints_failed=found.failed,
            last_checkpoint_completed_timestamp=found.completed_timestamp,
            last_checkpoint_duration_seconds=found.duration_seconds,
            last_checkpoint_size_bytes=found.size_bytes,
        )
    ]


def _flink_exceptions(document: Any, flaws: Flaws) -> Iterable[Job]:
    found = flink_health.parse_exceptions(document, flaws)
    return [
        _KNOWN._replace(
            last_error_timestamp=found.timestamp,
            error_type=found.error_type,
            error_text=found.text,
        )
    ]


def _target(
    name: str,
    read: Read,
    covers: tuple[Callable[..., object], ...],
    *seeds: str,
    decode: Callable[[bytes], Any] = _json,
    good: tuple[bytes, ...] = (),
) -> Target:
    return Target(
        name=name,
        form=Form.JSON,
        check=_Reader(read, decode),
        covers=covers,
        seeds=tuple(f"tests/fixtures/{seed}" for seed in seeds),
        examples=good,
    )


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of answer."""
    return (
        _target(
            "dli_list",
            lambda document, flaws: huawei_dli.parse_list(document, "p", NOW, flaws).jobs,
            (huawei_dli.parse_list, huawei_inventory.read_page),
            "huawei_dli/*/list*.json",
        ),
        _target(
            "dli_details",
            lambda document, flaws: [huawei_dli.parse_details(document, _KNOWN, flaws)],
            (huawei_dli.parse_details,),
            "huawei_dli/*/detail*.json",
        ),
        _target(
            "dli_plan",
            _dli_plan,
            (
                huawei_dli.parse_plan,
                huawei_dli.parse_plan_flow,
                flink_graph.parse_graph,
                exchanged.parse_exchanged,
            ),
            "huawei_dli/*/plan*.json",
        ),
        _target(
            "cloud_eye",
            _cloud_eye,
            (cloud_eye.parse_figures,),
            good=examples.CLOUD_EYE,
        ),
        _target(
            "dataarts_list",
            lambda document, flaws: huawei_dataarts.parse_list(document, "p", NOW, flaws).jobs,
            (huawei_dataarts.parse_list,),
            "huawei_dataarts/*/list*.json",
        ),
        _target(
            "dataarts_status",
            lambda document, flaws: [huawei_dataarts.parse_status(document, _KNOWN, flaws)],
            (huawei_dataarts.parse_status,),
            "huawei_dataarts/*/status*.json",
        ),
        _target(
            "blink_instances",
            _blink_rows(alibaba_blink.parse_instances),
            (alibaba_blink.parse_instances, alibaba.read_list, alibaba.read_object),
            "alibaba_blink/*/*.json",
            "alibaba_blink/*/*.xml",
            decode=_object,
        ),
        _target(
            "blink_summaries",
            _blink_rows(alibaba_blink.parse_summaries),
            (alibaba_blink.parse_summaries, alibaba_xml.parse_xml),
            "alibaba_blink/*/*.json",
            "alibaba_blink/*/*.xml",
            decode=_object,
        ),
        _target(
            "blink_instance",
            _blink_instance,
            (alibaba_blink.parse_instance,),
            decode=_object,
            good=examples.INSTANCES,
        ),
        _target(
            "vvp_deployments",
            _vvp_rows,
            (ververica.parse_deployments, ververica.parse_deployment),
            "alibaba_flink/*/deployments*.json",
            decode=_object,
        ),
        _target(
            "vvp_runs",
            lambda document, flaws: [
                ververica.parse_latest_run(document, _KNOWN, NOW, flaws),
            ],
            (ververica.parse_latest_run, ververica.parse_run),
            "alibaba_flink/*/d-*.json",
            decode=_object,
        ),
        _target(
            "vvp_flink_ids",
            _flink_id,
            (ververica_figures.parse_jid,),
            "apache_flink/*/overview*.json",
            decode=_flink_object,
        ),
        _target(
            "flink_overview",
            lambda document, flaws: flink_jobs.parse_overview(document, NOW, flaws),
            (flink_jobs.parse_overview, flink_graph.parse_task_counts),
            "apache_flink/*/overview*.json",
            decode=_flink_object,
        ),
        _target(
            "flink_job",
            _flink_job,
            (
                flink_jobs.parse_job,
                flink_delay.parse_vertices,
                flink_graph.parse_flink_state,
                flink_freshness.parse_attempts,
                flink_freshness.parse_entered,
                flink_freshness.parse_begun,
            ),
            "apache_flink/*/*job*.json",
            decode=_flink_object,
        ),
        _target(
            "flink_metrics",
            _flink_metrics,
            (
                flink_health.parse_restarts,
                flink_gatherings.parse_moment,
                flink_delay.parse_metric_names,
                flink_delay.parse_vertex_delay,
                flink_delay.parse_subtask_delay,
                flink_throughput.parse_vertex_flow,
            ),
            "apache_flink/*/*vertex*.json",
            "apache_flink/*/*metrics*.json",
        ),
        _target(
            "flink_checkpoints",
            _flink_checkpoints,
            (flink_health.parse_checkpoints,),
            "apache_flink/*/*checkpoints*.json",
        ),
        _target(
            "flink_exceptions",
            _flink_exceptions,
            (flink_health.parse_exceptions,),
            "apache_flink/*/*exceptions*.json",
        ),
    )
