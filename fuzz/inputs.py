"""Fuzz what reads everything else that comes from outside: reports, files, headers, refusals."""

import json
import zlib
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory

from exporter import pacing, settings
from exporter.auth import cached_file, renewal
from exporter.auth.huawei import trading
from exporter.collecting import sharding
from exporter.configuration import config, yaml_documents
from exporter.discovery import target_groups
from exporter.discovery import targets as discovered
from exporter.discovery.admission import Admission
from exporter.edge import jobs as edge_jobs
from exporter.edge import report as edge_report
from exporter.errors import ConfigError, CredentialError, FetchError, ReportError, UnreadableError
from exporter.fields import Flaws
from exporter.listening import addresses, protection
from exporter.model import Job
from exporter.process.steps import finished
from exporter.upstream.addresses import AddressRules
from exporter.upstream.refusals import (
    Answer,
    Refusal,
    alibaba,
    aws,
    flink,
    huawei,
    kafka_connect,
    kubernetes,
    plain,
    tencent,
    yarn,
)
from fuzz import examples
from fuzz.page import NOW, Pages, Unsound
from fuzz.target import Form, Target

_SHARE = 16
_DIRECTORY = Path(__file__).parent
_ENVIRON = {"NAME": "value", "EMPTY": ""}
_STATUSES = (200, 201, 301, 307, 400, 401, 403, 404, 408, 429, 500, 501, 503, 504, 599)


class _Reports:
    """Take a report the way the receiver does: read, understood, stored, shown."""

    def __init__(self) -> None:
        self._pages = Pages()

    def __call__(self, data: bytes) -> None:
        try:
            report = edge_report.read_report(data)
        except ReportError as exc:
            if not exc.place or not exc.expected or not str(exc).isprintable():
                raise Unsound("a refusal does not name the field, or quotes the sender") from exc
            return
        if not edge_report.same_content(data, data + b" "):
            raise Unsound("a report is not equal to itself")
        found = {}
        for reported in report.jobs:
            job = _stored(edge_jobs.read_job("p", reported, NOW, Flaws()))
            found[job.key] = job
        self._pages.show(tuple(found.values()), read_back=zlib.crc32(data) % _SHARE == 0)


def _stored(known: edge_jobs.KnownJob) -> Job:
    """Return the job after it was in the journal, which holds JSON in UTF-8."""
    text = json.dumps(known.facts, ensure_ascii=False, allow_nan=False).encode()
    after = edge_jobs.KnownJob(
        project=known.project,
        job_id=known.job_id,
        create_time=known.create_time,
        received=known.received,
        facts=json.loads(text),
    )
    built = [
        edge_jobs.build_job(each, since=each.since, last_error=each.last_error, stale=False)
        for each in (known, after)
    ]
    if built[0] != built[1]:
        raise Unsound("a job is another after a restart")
    return built[1]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _configuration(data: bytes) -> None:
    try:
        loaded = config.parse(_text(data), environ=_ENVIRON, directory=_DIRECTORY)
    except ConfigError as exc:
        if not exc.problems or not all(each.message for each in exc.problems):
            raise Unsound("a configuration is refused without a reason") from exc
        str(exc).encode("utf-8")
        return
    for source in loaded.sources:
        # What starts must be able to start: its labels and names are on every page.
        str((source.settings.name, source.settings.label_pairs)).encode("utf-8")
        source.platform.cost(source.settings, 100)


class _WebConfiguration:
    """Read the file that protects the listener, from a file as it is."""

    def __init__(self) -> None:
        # It goes when the process does.
        self._folder = TemporaryDirectory(prefix="fuzz-")
        self._path = Path(self._folder.name) / "web.yml"

    def __call__(self, data: bytes) -> None:
        self._path.write_bytes(data)
        try:
            protection.read_protection(self._path)
        except ConfigError as exc:
            if not exc.problems or not all(each.message for each in exc.problems):
                raise Unsound("a configuration is refused without a reason") from exc
            str(exc).encode("utf-8")


def _refusal(read: Callable[[Answer], Refusal | None]) -> Callable[[bytes], None]:
    def check(data: bytes) -> None:
        status = _STATUSES[(data[0] if data else 0) % len(_STATUSES)]
        headers = {"x-acs-retry-after": _text(data[1:9])}
        refusal = read(Answer(status=status, headers=headers, body=data[1:]))
        if refusal is None:
            if not 200 <= status < 300:
                raise Unsound("an answer that is no success is taken for one")
            return
        line = f"{refusal.code} {refusal.detail}"
        if not line.isascii():
            line.encode("utf-8")
        if "\n" in line or len(line) > 300:
            raise Unsound("what a vendor says does not fit a line")

    return check


def _duration(data: bytes) -> None:
    text = _text(data)
    try:
        seconds = settings.parse_duration(text)
    except ValueError:
        return
    if not 0 <= seconds < 1e9:
        raise Unsound("a duration is longer than any")


def _retry_after(data: bytes) -> None:
    seconds = pacing.parse_retry_after(_text(data), NOW)
    if seconds is not None and not (isfinite(seconds) and seconds >= 0):
        raise Unsound("a pause is none")


def _expiry(data: bytes) -> None:
    try:
        moment = renewal.parse_expiry(_text(data))
    except ValueError:
        return
    if not isfinite(moment):
        raise Unsound("an expiry is no time")


def _profile(data: bytes) -> None:
    try:
        sections = cached_file.parse_ini(_text(data))
    except (ValueError, RecursionError):
        # What CachedFile turns into a CredentialError.
        return
    for section in sections.values():
        for name, value in section.items():
            f"{name}{value}".encode()


def _huawei_keys(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        found = trading.parse_keys(document, "here")
    except CredentialError as exc:
        if not str(exc).startswith("here: ") or not str(exc).isascii():
            raise Unsound("a refusal does not name the place, or quotes a key") from exc
        return
    if found.expires_at is None or not isfinite(found.expires_at) or not found.secret_key:
        raise Unsound("keys that never end, or are none")


class _Targets:
    """Take a list of targets the way a discovery does: read, made clusters of, judged."""

    def __init__(self, read: Callable[[bytes], tuple[target_groups.TargetGroup, ...]]) -> None:
        self._read = read
        self._admission = Admission(hosts=(".*",), rules=AddressRules(), max_clusters=100)

    def __call__(self, data: bytes) -> None:
        try:
            groups = self._read(data)
            found = finished(discovered.clusters_of(groups, "cluster"))
            admitted = finished(self._admission.admit(found))
        except (UnreadableError, FetchError) as exc:
            if not str(exc).isprintable():
                raise Unsound("a refusal quotes the document") from exc
            return
        names = [cluster.name for cluster in admitted.living]
        for name in (*names, *(each.name for each in admitted.skipped)):
            if not name.isprintable() or not 0 < len(name) <= 200:
                raise Unsound("the name of a cluster is no value of a label")
        for cluster in admitted.living:
            if any("@" in address for address in cluster.addresses):
                raise Unsound("an address holds a user")


def _shard(data: bytes) -> None:
    text, _, total = _text(data).partition("/")
    try:
        shard = sharding.read_shard(text, total, {"HOSTNAME": "exporter-3"})
    except ConfigError:
        return
    if not 0 <= shard.ordinal < shard.total:
        raise Unsound("a shard that nobody is")


def _address(data: bytes) -> None:
    try:
        host, port = addresses.parse_address(_text(data))
    except ConfigError:
        return
    if not 0 <= port <= 65535 or " " in host:
        raise Unsound("an address that nothing can listen at")


def targets() -> tuple[Target, ...]:
    """Return a target for each kind of input."""
    return (
        Target(
            name="edge_report",
            form=Form.JSON,
            check=_Reports(),
            covers=(edge_report.read_report, edge_report.decode_object, edge_jobs.read_job),
            examples=examples.REPORTS,
        ),
        Target(
            name="configuration",
            form=Form.TEXT,
            check=_configuration,
            covers=(config.parse, yaml_documents.read_document),
            examples=examples.CONFIGURATIONS,
        ),
        Target(
            name="web_configuration",
            form=Form.TEXT,
            check=_WebConfiguration(),
            covers=(protection.read_protection,),
            examples=examples.WEB_CONFIGURATIONS,
        ),
        *(
            Target(
                name=f"refusal_{module.__name__.rpartition('.')[2]}",
                form=Form.TEXT,
                check=_refusal(module.read_refusal),
                covers=(module.read_refusal,),
                examples=examples.REFUSALS,
            )
            for module in (
                alibaba,
                aws,
                flink,
                huawei,
                kafka_connect,
                kubernetes,
                plain,
                tencent,
                yarn,
            )
        ),
        _plain("duration", _duration, settings.parse_duration, examples.DURATIONS),
        _plain("retry_after", _retry_after, pacing.parse_retry_after, examples.PAUSES),
        _plain("expiry", _expiry, renewal.parse_expiry, examples.TIMES),
        _plain("profile", _profile, cached_file.parse_ini, examples.PROFILES),
        Target(
            name="huawei_keys",
            form=Form.JSON,
            check=_huawei_keys,
            covers=(trading.parse_keys,),
            examples=examples.HUAWEI_KEYS,
        ),
        _plain(
            "targets_json",
            _Targets(target_groups.parse_json_groups),
            target_groups.parse_json_groups,
            examples.TARGETS_JSON,
        ),
        _plain(
            "targets_yaml",
            _Targets(target_groups.parse_yaml_groups),
            target_groups.parse_yaml_groups,
            examples.TARGETS_YAML,
        ),
        _plain("shard", _shard, sharding.read_shard, examples.SHARDS),
        _plain("address", _address, addresses.parse_address, examples.ADDRESSES),
    )


def _plain(
    name: str,
    check: Callable[[bytes], None],
    covered: Callable[..., object],
    good: tuple[bytes, ...],
) -> Target:
    return Target(name=name, form=Form.TEXT, check=check, covers=(covered,), examples=good)
