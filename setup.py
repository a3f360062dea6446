"""Put the runbooks into the package when it is built; all else is in pyproject.toml.

They stay in `docs/runbooks`, where people read and edit them. In a checkout, and with an editable
install, `exporter.pages.runbooks` reads them there.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path("docs", "runbooks")
TARGET = Path("exporter", "pages", "runbook_texts")


class BuildWithRunbooks(build_py):
    """Copies the runbooks beside the module that serves them."""

    def run(self) -> None:
        """Build the package."""
        super().run()
        if self.editable_mode:
            return
        for target, source in self._runbooks().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target, preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return every file that is written."""
        return [*super().get_outputs(include_bytecode), *self._runbooks()]

    def get_output_mapping(self) -> dict[str, str]:
        """Return from what each file is made that is written."""
        return {**super().get_output_mapping(), **self._runbooks()}

    def get_source_files(self) -> list[str]:
        """Return what a source distribution needs."""
        return [*super().get_source_files(), *self._runbooks().values()]

    def _runbooks(self) -> dict[str, str]:
        if self.editable_mode:
            return {}
        return {
            str(self.build_lib / TARGET / path.relative_to(SOURCE)): str(path)
            for path in sorted(SOURCE.rglob("*.md"))
        }


setup(cmdclass={"build_py": BuildWithRunbooks})
