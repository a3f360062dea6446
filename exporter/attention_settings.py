"""Say from where on something is a problem: the `attention:` sections of the configuration.

What they hold is decided in `exporter.attention`, and followed by page, metrics and alerts alike.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from exporter.settings import Duration, PositiveDuration, Section

MOST_RESTARTS = 1000
"""What is counted of one job at most."""


class RestartLimits(Section):
    """How many restarts, or new runs, are too many: at once, and by and by."""

    burst: Annotated[int, Field(ge=1, le=MOST_RESTARTS)] = 5
    within: PositiveDuration = 1800.0
    budget: Annotated[int, Field(ge=1, le=MOST_RESTARTS)] = 20
    budget_within: PositiveDuration = 86400.0

    @model_validator(mode="after")
    def _budget_over_more_time(self) -> Self:
        if self.budget_within < self.within:
            raise PydanticCustomError("restarts", "budget_within must not be shorter than within")
        return self


class DelayLimits(Section):
    """How far behind its input a job may be: when that grows, and in any case."""

    falling_behind: PositiveDuration = 600.0
    growth: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Seconds that are lost in each second."""
    far_behind: PositiveDuration = 3600.0


class AttentionSettings(Section):
    """From where on something about a job of a source is a problem."""

    failed_retention: Duration = 7 * 86400.0
    gone_retention: Duration = 86400.0
    not_running_after: Duration = 300.0
    stuck_after: Duration = 900.0
    unknown_after: Duration = 900.0
    restarts: RestartLimits = RestartLimits()
    input_delay: DelayLimits = DelayLimits()
    checkpoint_age: PositiveDuration = 1800.0
    checkpoints_failing: Annotated[int, Field(ge=1, le=MOST_RESTARTS)] = 3
