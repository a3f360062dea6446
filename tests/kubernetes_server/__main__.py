"""Record the answers of a real API server anew: `python -m tests.kubernetes_server FOLDER`."""

import sys
import tempfile
from pathlib import Path

from tests.kubernetes_server.recorder import record_all
from tests.kubernetes_server.server import KubernetesServer


def main() -> None:
    """Obey the command line."""
    with (
        tempfile.TemporaryDirectory(prefix="kubernetes-") as work,
        KubernetesServer(Path(work)) as server,
    ):
        record_all(server, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
