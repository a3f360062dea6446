"""Start Chromium and speak the DevTools protocol with it over two pipes.

https://chromedevtools.github.io/devtools-protocol/: JSON messages that end with a zero byte, on
file descriptors 3 (to the browser) and 4 (from it). Nothing listens on a port, and no driver has
to match the browser's version.
"""

import base64
import contextlib
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--metrics-recording-only",
    "--mute-audio",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 30.0
_KEYS = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    "Space": ("Space", 32, " "),
    "Escape": ("Escape", 27, ""),
}


class BrowserError(Exception):
    """The browser refused a command, or a page did not become as it was expected."""


class Chromium:
    """One browser process."""

    def __init__(self, process: subprocess.Popen[bytes], write: BinaryIO, read: BinaryIO) -> None:
        self._process = process
        self._write = write
        self._read = read
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._listen, name="chromium", daemon=True)
        self._reader.start()

    def send(
        self, method: str, *, session: str = "", patience: float = PATIENCE, **params: Any
    ) -> dict[str, Any]:
        """Send a command and return its result. Raises BrowserError."""
        number = next(self._numbers)
        answer: queue.Queue[dict[str, Any]] = queue.Queue()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        with self._lock:
            self._answers[number] = answer
            self._write.write(json.dumps(message).encode() + b"\0")
            self._write.flush()
        try:
            found = answer.get(timeout=patience)
        except queue.Empty:
            raise BrowserError(f"{method}: no answer") from None
        if "error" in found:
            raise BrowserError(f"{method}: {found['error'].get('message')}")
        result: dict[str, Any] = found["result"]
        return result

    def events(self, session: str) -> list[dict[str, Any]]:
        """Return what the browser has told about a page, oldest first."""
        return self._events.setdefault(session, [])

    @contextlib.contextmanager
    def page(self) -> Iterator["Page"]:
        """Open an empty page that shares nothing with others."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        try:
            yield Page(self, attached["sessionId"])
        finally:
            self.send("Target.disposeBrowserContext", browserContextId=context)

    def close(self) -> None:
        """End the browser and everything it started."""
        with contextlib.suppress(BrowserError, OSError):
            self.send("Browser.close")
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(timeout=5)
        for pipe in (self._write, self._read):
            with contextlib.suppress(OSError):
                pipe.close()

    def _listen(self) -> None:
        rest = b""
        while chunk := self._read.read1():  # type: ignore[attr-defined]
            *messages, rest = (rest + chunk).split(b"\0")
            for text in messages:
                message = json.loads(text)
                if "id" in message:
                    with self._lock:
                        answer = self._answers.pop(message["id"])
                    answer.put(message)
                else:
                    self.events(message.get("sessionId", "")).append(message)


class Page:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.setLifecycleEventsEnabled", enabled=True)
        self.resize(1280, 800)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command about this page and return its result. Raises BrowserError."""
        return self._browser.send(method, session=self._session, **params)

    def open(self, address: str) -> None:
        """Go to an address and wait until the page is loaded."""
        start = len(self._events())
        answer = self.send("Page.navigate", url=address)
        if answer.get("errorText"):
            raise BrowserError(f"{address}: {answer['errorText']}")
        loader = answer.get("loaderId")
        self._await(
            lambda: any(
                event["method"] == "Page.lifecycleEvent"
                and event["params"]["name"] == "load"
                and event["params"]["loaderId"] == loader
                for event in self._events()[start:]
            ),
            f"{address} to load",
        )

    def run(self, script: str, *, patience: float = PATIENCE) -> Any:
        """Return the value of an expression; promises are awaited."""
        answer = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            patience=patience,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until an expression is true; return its value. Raises BrowserError."""
        found: list[Any] = []

        def holds() -> bool:
            # While one page gives way to the next, a question can be refused or go unanswered.
            with contextlib.suppress(BrowserError):
                found[:] = [self.run(script, patience=2.0)]
            return bool(found and found[0])

        self._await(holds, script)
        return found[0]

    def texts(self, selector: str) -> list[str]:
        """Return the visible text of all elements that match, with single spaces."""
        elements = f"[...document.querySelectorAll({json.dumps(selector)})]"
        return [" ".join(text.split()) for text in self.run(f"{elements}.map((e) => e.innerText)")]

    def click(self, selector: str) -> None:
        """Click the middle of the first element that matches, as a mouse does."""
        x, y = self.until(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              if (!element) return null;
              element.scrollIntoView({{block: "center"}});
              const [box] = element.getClientRects();
              return box && [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key by its name."""
        code, number, text = _KEYS[key]
        common = {"key": text.strip(" ") or key, "code": code, "windowsVirtualKeyCode": number}
        common["key"] = " " if key == "Space" else key
        modifiers = 8 if shift else 0
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.send("Input.dispatchKeyEvent", **down, **common, modifiers=modifiers)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common, modifiers=modifiers)

    def type(self, text: str) -> None:
        """Type a text into what has the focus."""
        for character in text:
            self.send("Input.dispatchKeyEvent", type="char", text=character)

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        """Give the page a size in CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def prefer(self, **features: str) -> None:
        """Let the reader prefer something: `color_scheme="dark"`, `reduced_motion="reduce"`."""
        self.send(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": f"prefers-{name.replace('_', '-')}", "value": value}
                for name, value in features.items()
            ],
        )

    def prefer_languages(self, wish: str) -> None:
        """Let the reader understand these languages: the value of `Accept-Language`."""
        agent = self._browser.send("Browser.getVersion")["userAgent"]
        self.send("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=wish)

    def move_to(self, zone: str) -> None:
        """Let the reader live in a time zone, such as `Asia/Shanghai`."""
        self.send("Emulation.setTimezoneOverride", timezoneId=zone)

    def forbid_scripts(self) -> None:
        """Turn JavaScript off for what the page itself brings."""
        self.send("Emulation.setScriptExecutionDisabled", value=True)

    def screenshot(self) -> bytes:
        """Return a PNG of what is seen."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """Return what the browser objected to: script errors, refused or missing resources."""
        found = []
        for event in self._events():
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] != "verbose":
                found.append(params["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] == "error":
                found.append(str(params["args"]))
        return found

    def requested(self) -> list[str]:
        """Return the address of everything that the page has asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self._events()
            if event["method"] == "Network.requestWillBeSent"
        ]

    def dialogs(self) -> int:
        """Return how many dialogs were opened, as `alert` does."""
        return sum(e["method"] == "Page.javascriptDialogOpening" for e in self._events())

    def _events(self) -> list[dict[str, Any]]:
        return self._browser.events(self._session)

    def _await(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise BrowserError(f"waited in vain for: {what}")
            time.sleep(0.02)


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """Start a browser that keeps its files in a folder, and end it."""
    program = shutil.which("chromium")
    if program is None:
        raise BrowserError("chromium is not installed: scripts/setup-debian")
    to_read, write = os.pipe()
    read, to_write = os.pipe()
    with open(folder / "chromium.log", "wb") as log:
        process = subprocess.Popen(
            # The shell moves the pipes to where the protocol asks for them. Not any shell: dash
            # knows no descriptor above 9.
            [
                *("bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash"),
                *(program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"),
            ],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    os.close(to_read)
    os.close(to_write)
    browser = Chromium(process, os.fdopen(write, "wb"), os.fdopen(read, "rb"))
    try:
        yield browser
    finally:
        browser.close()
