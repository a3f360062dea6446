"""Take the pictures of the status page that the documents show, from the demo as anybody sees it.

The demo's incidents take four minutes to unfold: a job has failed, another crash-loops, and one
cloud is out of reach. Nothing is staged beyond that. The one in Chinese needs a font of Chinese
characters, which scripts/setup-debian installs.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.browser.chromium import BrowserError, Page, chromium

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
SIZE = (1280, 860)
_PATIENCE = 600.0
_INCIDENTS = """document.querySelector('.sources tr.bad') !== null &&
    document.querySelector('.chip.state-restarting') !== null"""
_JOB = "/?q=payments_dedup&source=flink"


def main() -> None:
    """Run the demo, wait for its incidents, and write the pictures."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "exporter", "demo", "--web.listen-address=127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = _address(demo)
        with (
            tempfile.TemporaryDirectory() as folder,
            chromium(Path(folder)) as browser,
            browser.page() as page,
        ):
            page.resize(*SIZE)
            _wait(page, address)
            for scheme, name in (("light", "status.png"), ("dark", "status-dark.png")):
                page.prefer(color_scheme=scheme)
                page.open(address)
                _shoot(page, name)
            page.prefer(color_scheme="light")
            page.prefer_languages("zh-CN")
            page.move_to("Asia/Shanghai")
            page.open(address)
            _shoot(page, "status-zh.png")
            page.prefer_languages("en")
            page.move_to("UTC")
            page.open(address + _JOB)
            page.open(str(page.run("document.querySelector('.job-table tbody a').href")))
            _shoot(page, "job.png")
    finally:
        demo.terminate()
        demo.communicate()


def _address(demo: "subprocess.Popen[str]") -> str:
    assert demo.stderr is not None
    for line in demo.stderr:
        if match := re.search(r"address=(\S+)", line):
            return match[1]
    raise BrowserError("the demo does not listen")


def _wait(page: Page, address: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    page.open(address)
    while not page.run(_INCIDENTS):
        if time.monotonic() > deadline:
            raise BrowserError("the incidents of the demo do not happen")
        time.sleep(1)
    # One more poll, so that what just happened is on every line.
    time.sleep(6)


def _shoot(page: Page, name: str) -> None:
    page.until("document.getElementById('live').dataset.state === 'live'")
    path = IMAGES / name
    path.write_bytes(page.screenshot())
    sys.stdout.write(f"{path.relative_to(IMAGES.parent.parent)}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
