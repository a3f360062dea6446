"""Bugs planted in what is told of jobs that are gone."""

from tests.histories.clouds import BLINK, DATAARTS
from tests.histories.history import Weather
from tests.histories.planting import Bug
from tests.histories.rules import Rule
from tests.histories.truth import Deed

_JOB_TRACKER = "exporter.collecting.job_tracker"
_COLLECTOR = "exporter.collecting.collector"

GONE_BUGS = (
    Bug(
        name="the word that a job is gone is not heard",
        module=_COLLECTOR,
        old="        if error.gone:\n",
        new="        if error.gone and not error.gone:\n",
        rule=Rule.DELETED_LEAVE,
        often=(Deed.DELETE,),
    ),
    Bug(
        name="a job that is gone is forgotten",
        module=_JOB_TRACKER,
        old="        if lost and track.lived and track.job is not None:\n",
        new="        if lost and track.lived and track.job is None:\n",
        rule=Rule.GONE_IS_TOLD,
        often=(Deed.DELETE,),
    ),
    Bug(
        name="a job that was deleted after its end is told as gone",
        module="exporter.collecting.gone_jobs",
        old="    return before if job.state is State.UNKNOWN else job.state in _LIVING\n",
        new="    return True\n",
        rule=Rule.GONE_IS_TOLD,
        often=(Deed.CHANGE, Deed.DELETE),
    ),
    Bug(
        name="a job that is there again is told as gone",
        module="exporter.collecting.gone_jobs",
        old="        self._gone.pop(key, None)\n        self._leaving",
        new="        self._leaving",
        rule=Rule.GONE_IS_TOLD,
        kinds=(BLINK, DATAARTS),
        often=(Deed.DELETE, Deed.SUBMIT),
    ),
    Bug(
        name="what is left out of a listing is gone though it answers",
        module=_JOB_TRACKER,
        old="            track.missing = 0\n        track.changed",
        new="            pass\n        track.changed",
        rule=Rule.NONE_LEAVES_UNTOLD,
        often=(Weather.HIDDEN,),
    ),
)
