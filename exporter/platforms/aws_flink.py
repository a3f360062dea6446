"""Watch applications of Amazon Managed Service for Apache Flink: kinesisanalyticsv2, 2018-05-23.

Vendor pages: "ListApplications", "DescribeApplication", "ListApplicationOperations" of its API
Reference; "Metrics and dimensions" of its Developer Guide; "GetMetricData" of CloudWatch.

One listing tells the status of every application. READY is the word for one that was never started,
for one that was stopped, and for one whose start has failed: what was done to it tells which, and
is asked for when the status or the version of an application has changed, and not again. RUNNING
is the word for a job that restarts without end, too: that is known to CloudWatch, which is paid
for by the figure and asked at `metrics_interval`, about applications that run. There is no metric
of the status itself.
"""

import asyncio
from collections.abc import Mapping
from math import ceil
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import Job
from exporter.platforms import Platform
from exporter.settings import Duration, Endpoint
from exporter.source import Bill, CallCost, Details, Inventory
from exporter.upstream.connector import Connector
from exporter.vendors.aws import cloudwatch
from exporter.vendors.aws.access import AwsSettings, JsonService, open_identity
from exporter.vendors.aws.applications import Summary
from exporter.vendors.aws.control_plane import PAGE_SIZE, ControlPlane
from exporter.vendors.aws.figure_rounds import FigureRounds
from exporter.vendors.aws.figures import APPLICATION, FIGURES_OF_A_GROUP, Group, Query
from exporter.vendors.aws.inquiry import Inquiries
from exporter.vendors.aws.jobs import RUNNING, job_of
from exporter.vendors.aws.partitions import beside, service_endpoint

_SERVICE, _MONITORING = "kinesisanalytics", "monitoring"


def _groups(value: tuple[Group, ...]) -> tuple[Group, ...]:
    if len(set(value)) < len(value):
        raise PydanticCustomError("metrics", "a name is listed twice")
    return value


class Settings(AwsSettings):
    """Which account and region, and what of CloudWatch may be asked for at which pace.

    With a `metrics_interval` of 0, or without `metrics`, CloudWatch is never asked.
    """

    # The quota of its reading calls is published nowhere.
    rate_limit: Annotated[float, Field(gt=0, le=10000)] = 5.0
    metrics_interval: Duration = 300.0
    metrics: Annotated[tuple[Group, ...], AfterValidator(_groups)] = (Group.RESTARTS,)
    cloudwatch_endpoint: Endpoint | None = None

    @property
    def asks_cloudwatch(self) -> bool:
        """Say whether CloudWatch is asked at all."""
        return self.metrics_interval > 0 and bool(self.metrics)

    @property
    def known_cloudwatch_endpoint(self) -> str | None:
        """Return where CloudWatch is; None when the settings do not say."""
        return self.cloudwatch_endpoint or beside(_MONITORING, self.region, self.endpoint)

    @model_validator(mode="after")
    def _other_services_are_somewhere(self) -> Self:
        elsewhere = "is required: endpoint is not one of AWS in this region"
        if self.asks_cloudwatch and self.known_cloudwatch_endpoint is None:
            raise PydanticCustomError(
                "cloudwatch_endpoint", f"cloudwatch_endpoint {elsewhere} (or metrics_interval: 0)"
            )
        role = self.auth.role_arn if self.auth is not None else None
        if role is not None and self.known_sts_endpoint is None:
            raise PydanticCustomError("sts_endpoint", f"sts_endpoint {elsewhere}")
        return self


class FlinkApplicationSource:
    """The applications of one account in one region."""

    def __init__(self, settings: Settings, connector: Connector) -> None:
        self._settings = settings
        self._connector = connector
        runtime = connector.runtime
        identity = open_identity(settings, connector)
        self._control = ControlPlane(
            JsonService(
                settings.endpoint or service_endpoint(_SERVICE, settings.region),
                settings,
                connector,
                identity,
                signing_name=_SERVICE,
                target="KinesisAnalytics_20180523",
                version="1.1",
            )
        )
        self._inquiries = Inquiries(self._control, monotonic=runtime.monotonic)
        self._summaries: dict[str, Summary] = {}
        self._metrics: cloudwatch.CloudWatch | None = None
        self._rounds: FigureRounds | None = None
        address = settings.known_cloudwatch_endpoint
        if settings.asks_cloudwatch and address is not None:
            self._metrics = cloudwatch.CloudWatch(
                JsonService(
                    address,
                    settings,
                    connector,
                    identity,
                    signing_name=_MONITORING,
                    target="GraniteServiceVersion20100801",
                    version="1.0",
                    aside_of_listing=True,
                )
            )
            self._rounds = FigureRounds(
                self._metrics,
                interval=settings.metrics_interval,
                groups=settings.metrics,
                kept_for=settings.metrics_interval + settings.stale_after,
                clock=runtime.clock,
                monotonic=runtime.monotonic,
                count=self._count,
            )

    async def fetch_inventory(self) -> Inventory:
        """List the applications, or ask for the configured names.

        Raises FetchError when nothing arrived.
        """
        flaws = Flaws()
        names = self._settings.jobs.ids
        if names:
            summaries, failure = await self._ask_for(names, flaws)
        else:
            summaries, failure = await self._control.applications(flaws)
        found = {name: each for name, each in summaries.items() if each.is_flink}
        # What a listing that broke off does not show may well be there still.
        self._summaries = {**self._summaries, **found} if failure is not None else found
        self._inquiries.listed(self._summaries)
        failures = await self._look_once(flaws) if self._connector.patient else ()
        if self._rounds is not None:
            self._rounds.forget(self._summaries)
            self._rounds.note_running(self._running(self._summaries))
        incomplete = () if failure is None else ((self._settings.region, failure),)
        return Inventory(
            jobs=tuple(self._row(each, flaws) for each in found.values()),
            incomplete=incomplete,
            failures=failures,
            flaws=flaws,
        )

    async def fetch_details(self, job: Job) -> Details:
        """Ask what was done to an application, if it has changed since it was last asked about.

        Raises FetchError; `gone` when the service says that there is none of that name.
        """
        flaws = Flaws()
        summary = self._summaries.get(job.job_id)
        if summary is None:
            # It is missed: whether it is gone is for the service to say.
            summary = (await self._control.describe(job.job_id, flaws)).summary
        known, failures = await self._inquiries.known(summary, flaws)
        if self._rounds is not None:
            running = self._running(self._inquiries.earlier)
            failures += await self._rounds.ask(running, flaws)
        told = job_of(
            summary,
            self._settings.region,
            known=known,
            observed=self._connector.runtime.clock(),
            flaws=flaws,
        )
        return Details(job=told, flaws=flaws, failures=failures)

    async def check(self) -> None:
        """Ask CloudWatch for one figure, if it is to be asked. Raises FetchError."""
        if self._metrics is None or self._rounds is None:
            return
        if self._rounds.failure is not None:
            raise self._rounds.failure
        name = next(iter(self._summaries), "any")
        query = Query(application=name, metric="KPUs", dimensions=((APPLICATION, name),))
        self._count(1)
        answered = await self._metrics.newest([query], self._connector.runtime.clock())
        for failure in answered.failures:
            raise failure

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connector.aclose()

    async def _ask_for(
        self, names: tuple[str, ...], flaws: Flaws
    ) -> tuple[dict[str, Summary], FetchError | None]:
        async def ask(name: str) -> Summary | FetchError:
            try:
                return (await self._control.describe(name, flaws)).summary
            except FetchError as exc:
                return exc

        answers = await asyncio.gather(*map(ask, dict.fromkeys(names)))
        failures = [each for each in answers if isinstance(each, FetchError) and not each.gone]
        if failures and len(failures) == len(answers):
            raise failures[0]
        for answer in answers:
            if isinstance(answer, FetchError) and answer.reason is Reason.NOT_FOUND:
                flaws.note("jobs.ids", "an application that exists")
        found = {each.name: each for each in answers if isinstance(each, Summary)}
        return found, failures[0] if failures else None

    async def _look_once(self, flaws: Flaws) -> tuple[FetchError, ...]:
        """Ask for the figures of everything that runs: whoever polls once has no later poll."""
        if self._rounds is None:
            return ()
        return await self._rounds.ask(self._running(self._summaries), flaws)

    def _running(self, names: Mapping[str, object]) -> dict[str, tuple[str, float | None]]:
        """Return by name the runtime of what runs, and when its run began."""
        found: dict[str, tuple[str, float | None]] = {}
        for name in names:
            summary = self._summaries.get(name)
            if summary is not None and summary.status == RUNNING:
                found[name] = (summary.runtime, self._inquiries.began(summary))
        return found

    def _row(self, summary: Summary, flaws: Flaws) -> Job:
        # Figures are told by rows alone: what a row no longer tells is known no longer, where
        # details would be remembered.
        return job_of(
            summary,
            self._settings.region,
            known=self._inquiries.of(summary.name),
            figures=None if self._rounds is None else self._rounds.of(summary.name),
            observed=self._connector.runtime.clock(),
            ambiguous=self._inquiries.outdated(summary),
            flaws=flaws,
        )

    def _count(self, figures: int) -> None:
        self._connector.count_metrics(cloudwatch.GET, figures)


async def _check(source: FlinkApplicationSource) -> None:
    await source.check()


def _cost(settings: Settings, jobs: int) -> CallCost:
    listing = len(settings.jobs.ids) or max(1, ceil(jobs / PAGE_SIZE))
    if not settings.asks_cloudwatch:
        return CallCost(per_inventory=listing, per_details=0)
    figures = sum(FIGURES_OF_A_GROUP[group] for group in settings.metrics)
    # A round begins when somebody asks about a job, which of a few happens less often.
    every = max(
        settings.metrics_interval,
        settings.poll_interval,
        settings.detail_interval / max(1, jobs),
    )
    rounds_per_minute = 60 / every
    return CallCost(
        per_inventory=listing,
        per_details=0,
        per_minute=ceil(figures * jobs / cloudwatch.MOST_QUERIES) * rounds_per_minute,
        bill=Bill(
            what="metrics of CloudWatch",
            per_details=figures,
            dollars_each=cloudwatch.USD_PER_THOUSAND / 1000,
            every=every,
        ),
    )


PLATFORM = Platform(
    name="aws_flink",
    settings=Settings,
    open=FlinkApplicationSource,
    cost=_cost,
    check=_check,
)
