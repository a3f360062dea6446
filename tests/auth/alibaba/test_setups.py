"""Every set-up ends in the right key, or in a sentence that names what is missing."""

from pathlib import Path

import pytest

from exporter.auth.alibaba.chain import alibaba_chain
from exporter.auth.alibaba.surroundings import Surroundings
from exporter.auth.guard import GuardBook
from exporter.errors import CredentialError, FetchError
from exporter.files import at_once
from tests.auth.alibaba.setup_makers import Setup, World
from tests.auth.alibaba.setups import SETUPS
from tests.auth.alibaba.simulated_cloud import SimulatedCloud
from tests.auth.tools import MARK, Clock, everything_told
from tests.virtual_time import run


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_setup_ends_in_its_key_or_in_its_sentence(setup: Setup, tmp_path: Path) -> None:
    clock = Clock()
    cloud = SimulatedCloud(clock)
    surroundings = Surroundings(
        environ=setup.make(World(home=tmp_path, cloud=cloud)),
        send=cloud.send,
        clock=clock,
        aside=at_once,
        metadata_url="http://100.100.100.200",
        guards=GuardBook(clock=clock),
    )
    chain = alibaba_chain(tmp_path, surroundings)
    if setup.asks_as:
        keys = run(chain.credentials())
        assert cloud.principal(keys.access_key) == setup.asks_as
        key = cloud.access.find(keys.access_key)
        assert key is not None
        assert (keys.secret_key, keys.security_token) == (key.secret, key.security_token or "")
    else:
        with pytest.raises((CredentialError, FetchError)) as caught:
            run(chain.credentials())
        assert str(caught.value).endswith(setup.sentence.replace("~", str(tmp_path)))
        assert MARK not in everything_told(caught.value)
    assert tuple(host for host in cloud.asked if host.startswith("sts")) == setup.sts


def test_there_are_many_setups_and_each_difference_to_the_library_is_explained() -> None:
    assert len(SETUPS) >= 40
    for setup in SETUPS:
        assert bool(setup.asks_as) != bool(setup.sentence), setup.name
        assert bool(setup.vendor) == bool(setup.why), setup.name
