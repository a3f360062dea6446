"""Bugs planted on purpose: each must be caught, or the rules are too weak."""

from tests.histories.clouds import AWS, BLINK, DATAARTS, DLI, FLINK, VERVERICA
from tests.histories.history import Ours, Weather
from tests.histories.planting import Bug
from tests.histories.rules import Rule
from tests.histories.truth import Deed

_JOB_TRACKER = "exporter.collecting.job_tracker"
_MERGING = "exporter.collecting.merging"
_COLLECTOR = "exporter.collecting.collector"

BUGS = (
    Bug(
        name="a failed poll withdraws all",
        module=_COLLECTOR,
        old="""            up=False,
            failure=str(failure),
""",
        new="""            up=False,
            failure=str(self._job_tracker.__init__(
                self._settings, supersedes=False, random=self._runtime.random
            ) or failure),
""",
        rule=Rule.FAILED_POLL_KEEPS_ALL,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="an outage fails all jobs",
        module=_COLLECTOR,
        old="""        await self._publish_jobs(
            up=False,
""",
        new="""        from exporter.model import State
        for track in self._job_tracker._tracks.values():
            track.job = track.job._replace(state=State.FAILED) if track.job else None
        await self._publish_jobs(
            up=False,
""",
        rule=Rule.HEALTHY_IS_NOT_FAILED,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="a page of rows is forgotten",
        module="exporter.vendors.huawei_inventory",
        old="""            stepped_back = False
            offset += page.size
""",
        new="""            stepped_back = False
            offset += 2 * page.size
""",
        rule=Rule.LISTING_IS_WHOLE,
        kinds=(DLI, DATAARTS),
        often=(Deed.SUBMIT,),
    ),
    Bug(
        name="what comes after a page that failed is not there",
        module="exporter.vendors.aws.control_plane",
        old="            return found, failure\n        return",
        new="            return found, None\n        return",
        rule=Rule.LISTING_IS_WHOLE,
        kinds=(AWS,),
        often=(Deed.SUBMIT, Weather.PAGES_FAIL),
    ),
    Bug(
        name="a numbered page is forgotten",
        module="exporter.vendors.alibaba_listing",
        old="        page = await fetch(index)\n",
        new="        page = await fetch(index if index < 2 else index + 1)\n",
        rule=Rule.LISTING_IS_WHOLE,
        kinds=(BLINK, VERVERICA),
        often=(Deed.SUBMIT,),
    ),
    Bug(
        name="a listing cut short is taken for whole",
        module="exporter.vendors.huawei_inventory",
        old="        failure = listing.shortfall()\n    except FetchError as exc:\n",
        new="""        failure = listing.shortfall()
    except FetchError as exc:
        return Inventory(jobs=listing.jobs, flaws=flaws)
""",
        rule=Rule.LISTING_IS_WHOLE,
        kinds=(DLI, DATAARTS),
        often=(Deed.SUBMIT, Weather.PAGES_FAIL),
    ),
    Bug(
        name="the older view is trusted",
        module=_MERGING,
        old="    if newer.observed_timestamp < older.observed_timestamp:\n",
        new="    if newer.observed_timestamp > older.observed_timestamp:\n",
        rule=Rule.TOLD_IS_SHOWN,
    ),
    Bug(
        name="restarts are dropped",
        module=_JOB_TRACKER,
        old="track.details = job if known is None else merge(known, job)\n",
        new="track.details = track.details or job\n",
        rule=Rule.TOLD_IS_SHOWN,
        kinds=(FLINK,),
        often=(Deed.RESTART,),
    ),
    Bug(
        name="restarting is shown as failed",
        module=_MERGING,
        old="""        state = facts["finer_state"]
""",
        new="""        state = facts["finer_state"]
        state = State.FAILED if state is State.RESTARTING else state
""",
        rule=Rule.HEALTHY_IS_NOT_FAILED,
        kinds=(DLI, VERVERICA),
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="the closer view is left out",
        module=_MERGING,
        old="""        state = facts["finer_state"]
""",
        new="""        pass
""",
        rule=Rule.RESTARTS_SHOW,
        kinds=(DLI, VERVERICA),
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="facts of the run before are kept",
        module=_MERGING,
        old="    if new_run(older, newer):\n        return facts\n",
        new="",
        rule=Rule.RUN_OWNS_FACTS,
        kinds=(DATAARTS, BLINK),
        often=(Deed.RESUBMIT,),
    ),
    Bug(
        name="a run that names itself nowhere inherits",
        module=_MERGING,
        old="    return before in ENDED_STATES and after in _BEGINNING\n",
        new="    return False\n",
        rule=Rule.RUN_OWNS_FACTS,
        kinds=(DLI,),
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="an end is dated by an older change",
        module=_MERGING,
        old='    "updated_timestamp",\n',
        new="",
        rule=Rule.ENDED_STAY,
        kinds=(DLI,),
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="deletion is never confirmed",
        module=_JOB_TRACKER,
        old="                if track.missing >= 2:\n",
        new="                if track.missing >= 2000:\n",
        rule=Rule.DELETED_LEAVE,
        often=(Deed.DELETE, Weather.DETAILS_FAIL),
    ),
    Bug(
        name="a job is deleted at its first absence",
        module=_JOB_TRACKER,
        old="                if track.missing >= 2:\n",
        new="                if track.missing >= 1:\n",
        rule=Rule.NONE_LEAVES_UNTOLD,
        often=(Weather.HIDDEN,),
    ),
    Bug(
        name="a job that was missing once is so for ever",
        module=_JOB_TRACKER,
        old="            track.missing = 0\n            self._drop",
        new="            self._drop",
        rule=Rule.CHANGE_IS_ASKED,
        kinds=(DLI, FLINK),
        often=(Weather.HIDDEN, Deed.CHANGE),
    ),
    Bug(
        name="a project that cannot be listed is taken for empty",
        module=_JOB_TRACKER,
        old="                if track is None or key.project in unlisted:\n",
        new="                if track is None:\n",
        rule=Rule.FAILED_POLL_KEEPS_ALL,
        kinds=(BLINK, VERVERICA),
        often=(Weather.PROJECT_FAILS, Deed.SUBMIT),
    ),
    Bug(
        name="what is stale is shown for ever",
        module="exporter.collecting.store",
        old="    oldest = now - snapshot.stale_after\n",
        new="    oldest = 0.0\n",
        rule=Rule.NOTHING_STALE,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="the page is not rendered when values become stale",
        module="exporter.exposition.cache",
        old="        stale_at = min(ends) + _TICK if ends else None\n",
        new="        stale_at = None\n",
        rule=Rule.NOTHING_STALE,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="old measurements are shown for ever",
        module=_JOB_TRACKER,
        old="            track.details = lasting(track.details)\n",
        new="",
        rule=Rule.NOTHING_STALE,
        kinds=(DLI, VERVERICA),
        often=(Weather.DETAILS_FAIL,) * 4,
    ),
    Bug(
        name="ended jobs stay twice as long",
        module="exporter.collecting.selection",
        old="        return ended_at + self._ended_retention\n",
        new="        return ended_at + 2 * self._ended_retention\n",
        rule=Rule.ENDED_LEAVE,
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="ended jobs stay half as long",
        module="exporter.collecting.selection",
        old="        return ended_at + self._ended_retention\n",
        new="        return ended_at + self._ended_retention / 2\n",
        rule=Rule.ENDED_STAY,
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="a renamed job is kept under both names",
        module=_JOB_TRACKER,
        old="            track.row = row\n",
        new="""            if track.row.job_name != row.job_name:
                from copy import copy
                other = JobKey(project=row.project, job_id=track.row.job_name)
                self._shown.note(other, None)
                self._tracks[other] = copy(track)
            track.row = row
""",
        rule=Rule.ONCE_EACH,
        kinds=(DLI, VERVERICA),
        often=(Deed.RENAME,),
    ),
    Bug(
        name="the page keeps the name of a renamed job",
        module="exporter.exposition.blocks",
        old="        if changed.isdisjoint(IDENTITY_FIELDS):\n",
        new="        if changed is not None:\n",
        rule=Rule.PAGE_IS_WHOLE,
        kinds=(DLI, VERVERICA),
        often=(Deed.RENAME,),
    ),
    Bug(
        name="series are printed twice",
        module="exporter.exposition.cache",
        old="                yield [block.pieces[index] for block in source.blocks.values()]\n",
        new="                yield [block.pieces[index] for block in source.blocks.values()] * 2\n",
        rule=Rule.PAGE_IS_SOUND,
    ),
    Bug(
        name="details of a changed job are not asked for",
        module=_JOB_TRACKER,
        old="                track.changed = track.news = True\n",
        new="                track.news = False\n",
        rule=Rule.CHANGE_IS_ASKED,
    ),
    Bug(
        name="details are asked for once only",
        module="exporter.collecting.detail_scheduler",
        old="            elif lives(job):\n                calm.append(track)\n",
        new="",
        rule=Rule.DETAILS_COME,
    ),
    Bug(
        name="the end of a run does not end its replacement",
        module="exporter.collecting.successors",
        old="if latest[name][1] != key and _follows",
        new="if latest[name][1] is None and _follows",
        rule=Rule.LATER_RUN_REPLACES,
        kinds=(FLINK,),
        often=(Deed.RESUBMIT,),
    ),
    Bug(
        name="time moves back with a silent row",
        module=_JOB_TRACKER,
        old="            if not row.native_status and track.row.native_status:\n",
        new="            if not row.native_status and not track.row.native_status:\n",
        rule=Rule.TOLD_IS_SHOWN,
        kinds=(VERVERICA,),
        often=(Deed.CHANGE, Deed.RESUBMIT),
    ),
    Bug(
        name="a state is dated anew at each poll",
        module=_MERGING,
        old="    return shown.later(row.observed_timestamp, duration)\n",
        new="""    now = row.observed_timestamp
    return shown.later(now, duration)._replace(state_since_timestamp=now)
""",
        rule=Rule.TIME_GOES_ON,
    ),
    Bug(
        name="a failed poll is called a success",
        module=_COLLECTOR,
        old="            up=False,\n",
        new="            up=True,\n",
        rule=Rule.UP_IS_TRUE,
    ),
    Bug(
        name="polling ends with the first failure",
        module=_COLLECTOR,
        old="            if failure is not None:\n",
        new="            if failure is not None:\n                return\n",
        rule=Rule.POLLS_GO_ON,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="each request of a listing that hangs has its own patience",
        module="exporter.app.opening",
        old="            stall=connector.stall,\n",
        new="",
        rule=Rule.HANG_IS_TOLD,
        kinds=(BLINK,),
        often=(Weather.HANGS,),
    ),
    Bug(
        name="a reload forgets the jobs",
        module="exporter.app.application",
        old="                adopt(before.snapshot, before.remembered, changed=changed)\n",
        new="                pass\n",
        rule=Rule.NONE_LEAVES_UNTOLD,
        often=(Ours.RELOAD_LABELS,),
    ),
    Bug(
        name="what has a failed job in it is not published",
        module="exporter.collecting.store",
        old="        before = self._snapshots.get(snapshot.source)\n",
        new="""        before = self._snapshots.get(snapshot.source)
        if any(job.state == "failed" for job in snapshot.jobs):
            return
""",
        rule=Rule.FAILURE_IS_SEEN,
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="a job that comes is not looked at where little has changed",
        module="exporter.collecting.shown_jobs",
        old="            self._changed.setdefault(key, job)\n",
        new="            if job is not None:\n                self._changed.setdefault(key, job)\n",
        rule=Rule.TOLD_IS_SHOWN,
        often=(Deed.SUBMIT,),
    ),
    Bug(
        name="a job that leaves stays in its place",
        module="exporter.collecting.shown_jobs",
        old="            del ordered[place], self._tracks[place]\n",
        new="            pass\n",
        rule=Rule.ONCE_EACH,
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="the duration of an ended run goes on",
        module=_MERGING,
        old='            facts["duration_seconds"] = max(0.0, end - start)\n',
        new='            facts["duration_seconds"] = facts["observed_timestamp"] - start\n',
        rule=Rule.DURATION_FITS,
        kinds=(BLINK, VERVERICA),
        often=(Deed.CHANGE,),
    ),
    Bug(
        name="a silent row makes the state unknown",
        module=_MERGING,
        old="    if not newer.native_status:\n",
        new="    if newer.native_status == older.native_status == older.job_name:\n",
        rule=Rule.STATE_WAS_SO,
        kinds=(VERVERICA,),
        often=(Deed.CHANGE, Deed.RESUBMIT),
    ),
    Bug(
        name="a run goes back in time for its restarts",
        module=_JOB_TRACKER,
        old="            if differs(track.row, row):\n",
        new="""            from dataclasses import replace
            track.since = replace(track.since, seen_at=track.since.seen_at - 60.0)
            if differs(track.row, row):
""",
        rule=Rule.TIME_GOES_ON,
    ),
)
