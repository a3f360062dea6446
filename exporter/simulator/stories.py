"""What goes wrong in the demo, and how: each story is a promise of the exporter to be seen kept.

All are told in turn, again and again; or one of them, soon after the start and for long enough that
its alert is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.simulator.fault_injection import FaultInjection, Window
from exporter.simulator.fleet.fleet import Fleet, Phase

_LOOKS = 1.0
"""Seconds between two looks at what is due."""
_ALONE = Window(begins=30, lasts=900, every=1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something that goes wrong with one source; `alert` is who tells of it."""

    name: str
    source: str
    text: str
    alert: str
    window: Window

    def alone(self) -> "Story":
        """Return the same, told by itself."""
        return Story(
            name=self.name, source=self.source, text=self.text, alert=self.alert, window=_ALONE
        )


STORIES: Mapping[str, Story] = MappingProxyType(
    {
        story.name: story
        for story in (
            Story(
                name="down",
                source="vvp",
                text="the platform does not answer: its jobs stay as they were",
                alert="StreamingSourceDown",
                window=Window(begins=240, lasts=90, every=900),
            ),
            Story(
                name="throttled",
                source="blink",
                text="the platform refuses requests as too many: fewer are made",
                alert="StreamingSourceThrottled",
                window=Window(begins=420, lasts=60, every=1500),
            ),
            Story(
                name="rejected",
                source="dli-prod",
                text="the access key was deleted: no job looks failed for that",
                alert="StreamingSourceCredentialsRejected",
                window=Window(begins=660, lasts=120, every=1500),
            ),
            Story(
                name="vanished",
                source="yarn",
                text="a cluster is gone, and nobody tells how its job ended",
                alert="StreamingJobGone",
                window=Window(begins=840, lasts=300, every=1500),
            ),
        )
    }
)


class DeletedKey:
    """An API before which the access key of whoever asks can be deleted.

    The key that is asked with becomes one that nobody knows: the refusal is the platform's own. No
    other source may have the same key: the exporter would spare it for all of them.
    """

    def __init__(self, app: ASGIApp, key_id: str) -> None:
        self._app = app
        self._key_id = key_id.encode()
        self.deleted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if self.deleted and scope["type"] == "http":
            unknown = self._key_id[::-1]
            headers = [
                (name, value.replace(self._key_id, unknown)) for name, value in scope["headers"]
            ]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


class Stage:
    """Tells the stories: what each changes is switched on when its window opens, and off again."""

    def __init__(
        self,
        stories: tuple[Story, ...],
        *,
        down: FaultInjection,
        throttled: FaultInjection,
        rejected: DeletedKey,
        vanished: Fleet,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.stories = stories
        self._down = down
        self._throttled = throttled
        self._rejected = rejected
        self._fleet = vanished
        self._clock = clock
        self._sleep = sleep
        self._started_at = clock()
        self._told: frozenset[str] = frozenset()
        self._gone = ""

    async def play(self) -> None:
        """Tell the stories until cancelled."""
        while True:
            self.look()
            await self._sleep(_LOOKS)

    def look(self) -> None:
        """Switch what is due by now."""
        now = self._clock()
        due = frozenset(
            story.name for story in self.stories if story.window.covers(now - self._started_at)
        )
        for name in due ^ self._told:
            self._switch(name, name in due, now)
        self._told = due

    def _switch(self, name: str, on: bool, now: float) -> None:
        match name:
            case "down":
                self._down.outage = on
            case "throttled":
                self._throttled.throttling = on
            case "rejected":
                self._rejected.deleted = on
            case "vanished":
                self._vanish(on, now)

    def _vanish(self, on: bool, now: float) -> None:
        """Let the cluster of a job that runs be gone, or run the job in another one."""
        if on:
            running = (view for view in self._fleet.views(now) if view.phase is Phase.RUNNING)
            view = next(running, None)
            self._gone = view.name if view is not None else ""
            if self._gone:
                self._fleet.remove(self._gone, now)
        elif self._gone:
            self._fleet.add(self._gone, now)
