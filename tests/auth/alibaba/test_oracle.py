"""The vendor's own library ends in the same key, unless a set-up says why ours does otherwise.

The library (alibabacloud-credentials, in .venv-oracle) asks the same simulated cloud as ours does.
"""

import asyncio
import json
import os
import socket
import time
from pathlib import Path

import uvicorn

from tests.auth.alibaba.setup_makers import World
from tests.auth.alibaba.setups import SETUPS
from tests.auth.alibaba.simulated_cloud import SimulatedCloud

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".venv-oracle" / "bin" / "python"
SCRIPT = ROOT / "tests" / "oracle" / "alibaba_credentials.py"


async def meet_all(home: Path) -> dict[str, tuple[str, list[str]]]:
    """Return whose keys the library found in each set-up, and which STS it asked for them."""
    assert INTERPRETER.exists(), "the vendors' libraries are missing: run scripts/setup-oracle"
    cloud = SimulatedCloud(time.time)
    found: dict[str, tuple[str, list[str]]] = {}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(cloud, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        process = await asyncio.create_subprocess_exec(
            INTERPRETER,
            SCRIPT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        for number, setup in enumerate(SETUPS):
            place = home / str(number)
            place.mkdir()
            environ = dict(setup.make(World(home=place, cloud=cloud)))
            port = listener.getsockname()[1]
            case = {"environ": environ, "home": str(place), "port": port}
            cloud.asked.clear()
            process.stdin.write(f"{json.dumps(case)}\n".encode())
            answer = json.loads(await process.stdout.readline())
            principal = cloud.principal(answer["access_key"]) if "access_key" in answer else ""
            hosts = [host for host in cloud.asked if host.startswith("sts")]
            found[setup.name] = (principal, hosts)
        process.stdin.close()
        assert await process.wait() == 0
        server.should_exit = True
        await serving
    return found


def test_vendors_library_ends_in_the_same_key_or_the_difference_is_explained(
    tmp_path: Path,
) -> None:
    theirs = asyncio.run(meet_all(tmp_path))
    for setup in SETUPS:
        principal, hosts = theirs[setup.name]
        assert principal == (setup.vendor or setup.asks_as), setup.name
        if not setup.vendor:
            assert hosts == list(setup.sts), setup.name
