"""Bugs about problems, planted on purpose: each must be caught by the rules about them."""

from tests.histories.clouds import FLINK
from tests.histories.history import Weather
from tests.histories.planting import Bug
from tests.histories.rules import Rule
from tests.histories.truth import Deed

_MEMORY = "exporter.attention.memory"
_RULES = "exporter.attention.rules"
_TRACKER = "exporter.attention.tracker"

PROBLEM_BUGS = (
    Bug(
        name="a failed job is taken for unremarkable",
        module=_RULES,
        old="    if job.state is not State.RUNNING or job.nodes or job.stale:\n",
        new="    if job.state is State.RESTARTING or job.nodes or job.stale:\n",
        rule=Rule.PROBLEM_IS_TOLD,
    ),
    Bug(
        name="a state that a listing does not date begins when it was listed",
        module=_MEMORY,
        old="            self.in_states_since = min(self.in_states_since, began(job))\n",
        new="            pass\n",
        rule=Rule.PROBLEM_IS_TOLD,
        kinds=(FLINK,),
    ),
    Bug(
        name="restarts are forgotten at once",
        module=_MEMORY,
        old="        _forget(self.restarts, now - limits.restarts.budget_within)\n",
        new="        _forget(self.restarts, now)\n",
        rule=Rule.PROBLEM_IS_TOLD,
        often=(Deed.RESTART,),
    ),
    Bug(
        name="a job that has just begun to change is stuck",
        module=_RULES,
        old="        return _lasts(job, memory, limits.stuck_after)\n",
        new="        return _lasts(job, memory, 0)\n",
        rule=Rule.PROBLEM_IS_TRUE,
    ),
    Bug(
        name="one restart is too many",
        module=_RULES,
        old="            if count_since(events, oldest) >= most:\n",
        new="            if count_since(events, oldest) > 0:\n",
        rule=Rule.PROBLEM_IS_TRUE,
        often=(Deed.RESTART,),
    ),
    Bug(
        name="a failure goes on though the job runs again",
        module=_RULES,
        old="    if job.state is not State.FAILED:\n        return OVER\n",
        new="    if job.state is not State.FAILED:\n        return UNSEEN\n",
        rule=Rule.PROBLEM_IS_TRUE,
    ),
    Bug(
        name="an outage ends all problems",
        module=_TRACKER,
        old="        changed = new.gone != self._gone\n",
        new="""        if new.up is False:
            self._memories.clear()
            self._problems = ()
            return ()
        changed = new.gone != self._gone
""",
        rule=Rule.PROBLEM_STAYS,
        often=(Weather.OUTAGE,),
    ),
    Bug(
        name="a problem begins whenever it is looked at",
        module=_TRACKER,
        old="            known.append(told.since_timestamp)\n",
        new="            known[:] = [job.observed_timestamp]\n",
        rule=Rule.PROBLEM_BEGINS_ONCE,
    ),
)
