"""Who may do what, at which camera: one table, and one function that reads it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from passerby.errors import AccessError


class Role(StrEnum):
    """What somebody is to a gallery; each role may do all that those before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be done to a gallery. All of it is audited, whether it was allowed or not."""

    INFO = "info"
    VIEW = "view"
    SEARCH = "search"
    WATCH = "watch"
    ADD = "add"
    LABEL = "label"
    EXPORT = "export"
    ALERT = "alert"
    DELETE = "delete"
    ERASE = "erase"
    PURGE = "purge"
    AUDIT = "audit"
    VERIFY = "verify"
    MAINTAIN = "maintain"
    BACKUP = "backup"
    CONFIGURE = "configure"


_NEEDS: dict[Action, Role] = {
    Action.INFO: Role.VIEWER,  # counts, cameras, model
    Action.VIEW: Role.VIEWER,  # one sighting: box, camera, time, and what the policy shows of the picture
    Action.WATCH: Role.VIEWER,  # changes as they happen; not an alert on a person
    Action.SEARCH: Role.ANALYST,
    Action.ADD: Role.ANALYST,  # adding and importing
    Action.LABEL: Role.ANALYST,  # same person or not, merge, split
    Action.EXPORT: Role.ANALYST,
    Action.ALERT: Role.ANALYST,  # besides, the policy must allow live alerts for the purpose
    Action.DELETE: Role.ADMINISTRATOR,
    Action.ERASE: Role.ADMINISTRATOR,
    Action.PURGE: Role.ADMINISTRATOR,
    Action.AUDIT: Role.ADMINISTRATOR,
    Action.VERIFY: Role.ADMINISTRATOR,
    Action.MAINTAIN: Role.ADMINISTRATOR,  # compacting, rebuilding, embedding again
    Action.BACKUP: Role.ADMINISTRATOR,  # and restoring
    Action.CONFIGURE: Role.ADMINISTRATOR,  # policy, members, keys
}

WHOLE_GALLERY = frozenset(
    {Action.AUDIT, Action.VERIFY, Action.MAINTAIN, Action.BACKUP, Action.CONFIGURE},
)
"""What touches every camera, and so needs somebody who is limited to none."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, or a program, that uses a gallery.

    Attributes:
        name: As the audit log shall name it: a log-in, the system's user, a service.
        role: What it is to the gallery.
        cameras: Names of the cameras that it is limited to; None: all.
    """

    name: str
    role: Role
    cameras: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed, and if not, why, in one line."""

    allowed: bool
    reason: str = ""


def decide(principal: Principal, action: Action, camera: str | None = None) -> Decision:
    """Say whether a principal may do something at a camera.

    Args:
        principal: Who asks.
        action: For what.
        camera: At which camera; None: at all of them, which whoever is limited may not. `permit` narrows instead.
    """
    needed = _NEEDS[action]
    roles = list(Role)
    if roles.index(principal.role) < roles.index(needed):
        return Decision(
            False, f"{principal.name} is {_with_article(principal.role)}; {action} needs {_with_article(needed)}"
        )
    if principal.cameras is None:
        return Decision(True)
    if action in WHOLE_GALLERY:
        return Decision(False, f"{action} concerns every camera; {principal.name} is limited to {_names(principal)}")
    if camera is None:
        return Decision(False, f"{principal.name} is limited to {_names(principal)}; name one for {action}")
    if camera not in principal.cameras:
        return Decision(False, f"{principal.name} is limited to {_names(principal)}; {camera!r} is not among them")
    return Decision(True)


def permit(principal: Principal, action: Action, cameras: Collection[str] | None = None) -> frozenset[str] | None:
    """Settle at which cameras a principal may do something.

    Args:
        principal: Who asks.
        action: For what.
        cameras: At which cameras, by name; None: at all that they may.

    Returns:
        Names of cameras; None: all of them. Empty where none were asked for, or a limited principal has none.

    Raises:
        AccessError: The role does not allow it, or one of the cameras that were named is not theirs.
    """
    whole = replace(principal, cameras=None)  # What the role alone says, even where there is no camera to ask about.
    decisions = [decide(whole, action)]
    if principal.cameras is not None:
        asked = principal.cameras if cameras is None else cameras
        decisions += [decide(principal, action)] if action in WHOLE_GALLERY else []
        decisions += [decide(principal, action, camera) for camera in sorted(asked)]
        cameras = asked
    for decision in decisions:
        if not decision.allowed:
            raise AccessError(decision.reason)
    return None if cameras is None else frozenset(cameras)


def _names(principal: Principal) -> str:
    cameras = sorted(principal.cameras or ())
    return f"camera{'s' if len(cameras) > 1 else ''} {', '.join(cameras)}" if cameras else "no camera"


def _with_article(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
