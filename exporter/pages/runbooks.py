"""Know the runbooks that come with the exporter, and which problem each is about.

Their source is `docs/runbooks`, from where they are put beside this module when a wheel is built;
in a checkout they are read where they are. A runbook that is not there is linked nowhere.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from exporter.model import ProblemKind
from exporter.pages.languages import Language

_IN_CHECKOUT = Path(__file__).parents[2] / "docs" / "runbooks"
_FOLDERS: Mapping[Language, str] = MappingProxyType({Language.ENGLISH: "", Language.CHINESE: "zh"})
_OF_PROBLEM: Mapping[ProblemKind, str] = MappingProxyType(
    {
        ProblemKind.FAILED: "StreamingJobFailed",
        ProblemKind.NOT_RUNNING: "StreamingJobNotRunning",
        ProblemKind.GONE: "StreamingJobGone",
        ProblemKind.IN_ARREARS: "StreamingJobInArrears",
        ProblemKind.RESTARTING_OFTEN: "StreamingJobCrashLoop",
        ProblemKind.NODE_FAILED: "StreamingJobNodeFailed",
        ProblemKind.STUCK: "StreamingJobStuck",
        ProblemKind.FAR_BEHIND: "StreamingJobFarBehind",
        ProblemKind.FALLING_BEHIND: "StreamingJobInputDelayHigh",
        ProblemKind.CHECKPOINTS_FAILING: "StreamingJobCheckpointsFailing",
        ProblemKind.CHECKPOINT_OLD: "StreamingJobCheckpointOld",
        ProblemKind.SILENT: "StreamingEdgeJobSilent",
        ProblemKind.UNKNOWN_STATE: "StreamingJobUnknownState",
    }
)


@cache
def runbooks() -> Mapping[tuple[str, str], bytes]:
    """Return the text of every runbook, by language (empty for English) and name.

    Each is there under the name of its file, too: the links among them are such names.
    """
    found = {}
    for language in _FOLDERS.values():
        folder = _folder(language)
        # Whoever copies only the modules has no runbooks, and everything else.
        for entry in folder.iterdir() if folder.is_dir() else ():
            name, _, kind = entry.name.rpartition(".")
            if kind == "md":
                text = entry.read_bytes()
                found[language, name] = found[language, entry.name] = text
    return MappingProxyType(found)


def runbook_link(kind: ProblemKind, language: Language) -> str:
    """Return the address that says what to do about a problem; empty when nothing does."""
    name = _OF_PROBLEM[kind]
    folder = _FOLDERS[language]
    if (folder, name) not in runbooks():
        return ""
    return f"runbooks/{folder}/{name}" if folder else f"runbooks/{name}"


def _folder(language: str) -> Traversable:
    packaged = files("exporter.pages") / "runbook_texts"
    folder: Traversable = packaged if packaged.is_dir() else _IN_CHECKOUT
    return folder / language if language else folder
