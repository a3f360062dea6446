"""Watch the jobs of many Flink clusters, which come and go, as one source.

All clusters are asked side by side. One that is silent hurts its own jobs only: nobody waits for
it, its jobs stay as they were until they are stale, and it is asked less and less often. One that
left takes its jobs with it, unless somebody tells how they ended: no state is invented for them.
"""

import asyncio
from collections.abc import Callable, Iterable

from exporter.discovery.clusters import Cluster
from exporter.discovery.refreshing import Known, Refreshing
from exporter.errors import FetchError, Reason
from exporter.fields import Flaws
from exporter.model import ClusterCounts, ClusterStatus, Condition, Job, JobKey
from exporter.pacing import Clock
from exporter.source import Details, Inventory
from exporter.upstream.lanes import Lanes
from exporter.vendors.flink.cluster import JOB
from exporter.vendors.flink.departures import Departures
from exporter.vendors.flink.ends import Ends, ended_job, only_living, told_states
from exporter.vendors.flink.member import Member

_MOST_NAMED = 2000
"""Clusters that are told by name."""
_MOST_SKIPPED_NAMED = 1000
_MEMBERS_PER_TURN = 50


class FlinkFleet:
    """The jobs of all clusters that a discovery finds."""

    def __init__(
        self,
        refreshing: Refreshing,
        make_member: Callable[[Cluster], Member],
        *,
        lanes: Lanes,
        stale_after: float,
        ended_retention: float,
        clock: Clock,
        monotonic: Clock,
        departures: Departures | None = None,
        patient: bool = False,
    ) -> None:
        """Take what finds clusters and what makes a member of one.

        Without `departures` nobody is asked about clusters that left. Whoever is `patient` polls
        once and waits for everybody.
        """
        self._refreshing = refreshing
        self._make_member = make_member
        self._lanes = lanes
        self._stale_after = stale_after
        self._clock = clock
        self._monotonic = monotonic
        self._patient = patient
        self._members: dict[str, Member] = {}
        self._known = Known()
        self._looking: asyncio.Task[None] | None = None
        self._failures: list[FetchError] = []
        self._all_silent = False
        self._ends = Ends(ended_retention)
        self._departures = departures

    async def fetch_inventory(self) -> Inventory:
        """List the jobs of all clusters that answer soon.

        Raises FetchError while no cluster is known because none could be looked for.
        """
        await self._look()
        if not self._refreshing.looked and self._known.failure is not None:
            raise self._known.failure
        asked = await self._ask(self._due())
        await self._wait(asked)
        return await self._inventory()

    async def fetch_details(self, job: Job) -> Details:
        """Ask for everything about one job. Raises FetchError."""
        ended = self._ends.get(job.key)
        if ended is not None:
            return Details(job=ended.at(self._clock()), flaws=Flaws())
        member = self._members.get(job.project)
        if member is None:
            return self._details_of_left(job)
        unasked = member.unasked(self._clock())
        if unasked is not None and unasked.key == job.key:
            return Details(job=unasked, flaws=Flaws())
        failure = member.failure_of_question()
        if failure is not None:
            raise failure
        try:
            return await member.flink.fetch_details(job)
        except FetchError as exc:
            exc.local = True
            raise

    async def aclose(self) -> None:
        """Close everything."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for member in self._members.values():
            await member.aclose()
        if self._departures is not None:
            await self._departures.aclose()
        await self._refreshing.aclose()

    async def _look(self) -> None:
        """Look for clusters when it is time, and wait for what that finds, though not for long."""
        if self._looking is None and self._refreshing.due:
            self._looking = asyncio.create_task(self._refreshing.look(), name="look for clusters")
        if self._looking is None:
            return
        patient = self._patient or not self._refreshing.looked
        await asyncio.wait([self._looking], timeout=None if patient else self._lanes.patience)
        if not self._looking.done():
            return
        looking, self._looking = self._looking, None
        looking.result()
        self._known = self._refreshing.known
        if self._known.failure is None:
            self._failures += self._known.failures
            await self._apply(self._known)

    async def _apply(self, known: Known) -> None:
        left = [name for name in self._members if name not in known.living]
        for name in left:
            member = self._members.pop(name)
            await member.aclose()
            self._note_left(member, known)
        for name, cluster in known.living.items():
            member_before = self._members.get(name)
            if member_before is not None and member_before.cluster == cluster:
                continue
            member = self._make_member(cluster)
            if member_before is not None:
                await member_before.aclose()
                if member_before.cluster.incarnation == cluster.incarnation:
                    member.take_over(member_before)
                elif known.end_of(member_before.cluster) is not None:
                    self._note_left(member_before, known)
            if self._departures is not None:
                self._departures.forget(name)
            self._members[name] = member

    def _note_left(self, member: Member, known: Known) -> None:
        """Note how the jobs of a cluster ended, as far as anybody tells or may yet tell."""
        now = self._clock()
        for job in member.jobs:
            if job.ended:
                self._ends.add(job, now)
        end = known.end_of(member.cluster)
        unasked = member.unasked(now)
        only = only_living(member.jobs) if unasked is None else unasked
        if end is not None and only is not None and told_states(end):
            self._ends.add(ended_job(only, end, now), now)
        elif self._departures is not None:
            self._departures.add(member.cluster.name, member.jobs)

    def _due(self) -> list[Member]:
        due = [member for member in self._members.values() if member.due]
        # Those that answer come first: what is asked of the others takes no turn of theirs.
        return sorted(due, key=lambda member: not member.trusted)

    async def _ask(self, due: Iterable[Member]) -> "_Countdown":
        """Ask all of these; return what tells when nobody is to be waited for any more."""
        countdown = _Countdown()
        for count, member in enumerate(due, start=1):
            if member.trusted or self._patient:
                member.ask(countdown.one_more(), patient=self._patient)
            else:
                member.ask(lambda: None)
            if count % _MEMBERS_PER_TURN == 0:
                await asyncio.sleep(0)
        return countdown

    async def _wait(self, asked: "_Countdown") -> None:
        await asked.wait()
        if self._departures is not None:
            await self._departures.go_on(wait=self._patient)
            for job in self._departures.told():
                self._ends.add(job, self._clock())

    async def _inventory(self) -> Inventory:
        jobs: list[Job] = []
        flaws = Flaws()
        listed: set[str] = set()
        replaced: set[JobKey] = set()
        failures = list(self._failures)
        self._failures.clear()
        for count, (name, member) in enumerate(self._members.items(), start=1):
            news = member.take_news()
            unasked = member.unasked(self._clock())
            if news is not None:
                jobs += news.jobs
                failures += news.failures
                _add(flaws, news.flaws)
                listed.add(name)
                replaced |= member.replaced
            elif unasked is not None:
                jobs.append(unasked)
                listed.add(name)
            if count % _MEMBERS_PER_TURN == 0:
                await asyncio.sleep(0)
        self._ends.forget(job.key for job in jobs)
        jobs += self._ends.rows(self._clock())
        unreached = [
            (name, member.why_unreached())
            for name, member in self._members.items()
            if name not in listed
        ]
        if self._departures is not None:
            failures += self._departures.failures()
            unreached += [(name, _left()) for name in self._departures.names]
        return Inventory(
            jobs=tuple(jobs),
            incomplete=self._failure_of_all(),
            unreached=tuple(unreached),
            whole=None if self._known.certain else frozenset(listed),
            replaced=frozenset(replaced),
            pending=self._pending(),
            failures=tuple(failures),
            flaws=flaws,
            clusters=self._counts(),
        )

    def _failure_of_all(self) -> tuple[tuple[str, FetchError], ...]:
        """Return what is wrong with the source itself, which no project is the place of."""
        if self._known.failure is not None:
            return (("", self._known.failure),)
        asked = [member for member in self._members.values() if member.cluster.addresses]
        silent = bool(asked) and not any(member.reached for member in asked)
        if self._all_silent and not silent:
            # It was the way to all of them, and not each by itself.
            for member in asked:
                member.ask_soon()
        self._all_silent = silent
        failed = [member.failure for member in asked if member.failure is not None]
        return (("", failed[0]),) if silent and failed else ()

    def _pending(self) -> bool:
        """Say whether a cluster that was found just now was not listed yet."""
        now = self._monotonic()
        return any(
            not member.reached_once and now - member.since < self._stale_after
            for member in self._members.values()
        )

    def _counts(self) -> ClusterCounts:
        reached: list[ClusterStatus] = []
        unreached: list[ClusterStatus] = []
        skipped: list[ClusterStatus] = []
        for name, member in self._members.items():
            if member.reached:
                reached.append(ClusterStatus(name=name, condition=Condition.REACHED))
                continue
            refused = member.refused
            condition = Condition.SKIPPED if refused else Condition.UNREACHED
            reason = str(member.why_unreached())
            status = ClusterStatus(name=name, condition=condition, reason=reason)
            (skipped if refused else unreached).append(status)
        skipped += [
            ClusterStatus(name=each.name, condition=Condition.SKIPPED, reason=each.reason)
            for each in self._known.skipped[:_MOST_SKIPPED_NAMED]
        ]
        beyond = max(0, len(self._known.skipped) - _MOST_SKIPPED_NAMED)
        return ClusterCounts(
            reached=len(reached),
            unreached=len(unreached),
            skipped=len(skipped) + beyond,
            named=(*unreached, *skipped, *reached)[:_MOST_NAMED],
        )

    def _details_of_left(self, job: Job) -> Details:
        known = self._known
        if self._departures is not None and self._departures.knows(job.project):
            raise _left()
        if known.certain and job.ended:
            # It was seen to end, before this program knew of any cluster: nobody will say more.
            self._ends.add(job, self._clock())
            return Details(job=job.at(self._clock()), flaws=Flaws())
        raise FetchError(
            Reason.NOT_FOUND, JOB, detail="its cluster is not there", gone=known.certain, local=True
        )


class _Countdown:
    """Wait until each of some things has happened."""

    def __init__(self) -> None:
        self._left = 0
        self._over = asyncio.Event()

    def one_more(self) -> Callable[[], None]:
        """Return what to call when another thing has happened."""
        self._left += 1
        return self._happened

    async def wait(self) -> None:
        """Wait for all of them."""
        while self._left:
            self._over.clear()
            await self._over.wait()

    def _happened(self) -> None:
        self._left -= 1
        if not self._left:
            self._over.set()


def _left() -> FetchError:
    detail = "its cluster has left; asking how its jobs ended"
    return FetchError(Reason.NOT_FOUND, JOB, detail=detail, local=True)


def _add(flaws: Flaws, more: Flaws) -> None:
    for flaw in more.unreadable:
        flaws.note(flaw.place, flaw.expected)
    for native in more.unknown_states:
        flaws.note_state(native)
    flaws.unreadable_count += more.unreadable_count - len(more.unreadable)
    flaws.unknown_state_count += more.unknown_state_count - len(more.unknown_states)
