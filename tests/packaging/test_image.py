"""The image is built and tried as a whole by a script, which says what it has seen."""

import subprocess

import pytest

from tests.packaging.tools import ROOT

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(2400)]


def test_image_is_built_and_does_what_it_should() -> None:
    """As any user on a read-only root, scraped by Prometheus, and more; see the script."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "try-image")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    for said in (
        "as a foreign user on a read-only root",
        "plain HTTP: healthy while it runs, and not afterwards",
        "TLS: healthy while it runs, and not afterwards",
        "an altered hash builds nothing",
    ):
        assert said in done.stdout
