"""Read inputs for a merge, as the fuzzer starts it: `python -m fuzz.merging TARGET ARGUMENT ...`.

A merge reads the inputs in processes of their own, so that one that crashes does not end it.
"""

import contextlib
import io
import sys

import atheris

with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["exporter"]):
    from fuzz import targets

if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], targets.all_targets()[sys.argv[1]].check)
    atheris.Fuzz()
