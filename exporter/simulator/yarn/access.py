"""Who may see what of a simulated YARN."""

from dataclasses import dataclass

from exporter.simulator.yarn.applications import Application


@dataclass(frozen=True, slots=True, kw_only=True)
class YarnAccess:
    """What `yarn.acl.enable` and Hadoop's HTTP authentication are set to.

    With `anonymous` nobody needs a name, as by default; else `user.name` must say one. `admins` see
    everything; with `acl` everybody else sees only half of others' applications, and nothing of
    them with `filtered` (`yarn.webapp.filter-entity-list-by-user`). With `secure` the web proxy
    warns whoever does not own an application.
    """

    anonymous: bool = True
    acl: bool = False
    filtered: bool = False
    secure: bool = False
    admins: frozenset[str] = frozenset({"yarn"})

    def sees(self, application: Application, user: str) -> bool:
        """Say whether a user sees all of an application."""
        return not self.acl or user in self.admins or user == application.user
