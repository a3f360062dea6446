"""Say which projects a listing does not tell all of: their jobs stay as they were."""

from exporter.source import Inventory


class Unlisted:
    """The projects whose jobs may be there although a listing lacks them."""

    def __init__(self, inventory: Inventory) -> None:
        self._named = {project for project, _ in (*inventory.incomplete, *inventory.unreached)}
        self._whole = inventory.whole

    def __contains__(self, project: object) -> bool:
        """Say whether the jobs of a project are kept."""
        if project in self._named:
            return True
        return self._whole is not None and project not in self._whole
