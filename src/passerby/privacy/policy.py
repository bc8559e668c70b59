"""A gallery's policy: what is kept, for how long, who sees what, and what it may be used for."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from passerby.errors import AccessError, PolicyError
from passerby.privacy.roles import Principal, Role

Store: TypeAlias = Literal["crops", "embeddings", "matches"]
"""crops: pictures and embeddings of everybody. embeddings: no pictures. matches: pictures and embeddings, but only
of those who match a watch list; nothing of anybody else."""

Shown: TypeAlias = Literal["clear", "blurred", "hidden"]
"""How a crop is shown: as stored, with the head blurred, or not at all."""

_LARGEST = 1_000_000  # bytes of JSON


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class CameraPolicy(_Strict):
    """What one camera has of its own; what is None follows the gallery's policy."""

    store: Store | None = Field(None, description="What is kept of this camera's sightings.")
    keep_days: float | None = Field(None, gt=0, description="Days after which they are purged.")


class Sees(_Strict):
    """What a role is shown."""

    crops: Shown = Field(description="Pictures: clear, with the head blurred, or hidden.")
    embeddings: bool = Field(description="Whether vectors leave the gallery, as in an export.")
    attributes: bool = Field(True, description="Whether attributes such as clothes are shown.")


class Member(_Strict):
    """Somebody whom the policy names."""

    role: Role = Field(strict=False, description="viewer, analyst or administrator.")
    cameras: tuple[str, ...] | None = Field(None, strict=False, description="Limited to these; null: all cameras.")


def _default_sees() -> dict[Role, Sees]:
    return {
        Role.VIEWER: Sees(crops="blurred", embeddings=False),
        Role.ANALYST: Sees(crops="clear", embeddings=True),
        Role.ADMINISTRATOR: Sees(crops="clear", embeddings=True),
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a sighting is stored besides camera, time and box."""

    crop: bool
    embedding: bool


class Policy(_Strict):
    """What a gallery keeps, for how long, who sees what, and what it may be used for.

    The default suits one's own machine: everything is kept until it is erased, whoever can read the files is an
    administrator, and live alerts are off.
    """

    version: Literal[1] = Field(1, description="Of this format.")
    purpose: str = Field(
        "not stated", max_length=200, description="Taken where none is named; empty: one must be named each time."
    )
    purposes: tuple[str, ...] = Field((), strict=False, description="Allowed purposes; empty: any that is named.")
    require_case: bool = Field(False, description="Whether every search must name a case.")
    store: Store = Field("crops", description="crops, embeddings, or matches of a watch list only.")
    keep_days: float | None = Field(None, gt=0, description="Days after which sightings are purged; null: never.")
    cameras: dict[str, CameraPolicy] = Field({}, description="By name of camera: what differs there.")
    blur_stored_heads: bool = Field(False, description="Whether heads are blurred before crops are stored, for ever.")
    sees: dict[Role, Sees] = Field(
        default_factory=_default_sees, strict=False, description="By role: what it is shown."
    )
    live_alerts: tuple[str, ...] = Field((), strict=False, description="Purposes that may raise alerts; empty: off.")
    members: dict[str, Member] = Field({}, description="By name of principal: role and cameras.")
    others: Member | None = Field(
        Member(role=Role.ADMINISTRATOR), description="What anybody else is; null: nobody else comes in."
    )

    @field_validator("sees")
    @classmethod
    def _every_role_sees_something(cls, sees: dict[Role, Sees]) -> dict[Role, Sees]:
        """A role that is left out keeps its default."""
        return _default_sees() | sees

    def principal(self, name: str) -> Principal:
        """Who somebody is to this gallery.

        Raises:
            AccessError: The policy names somebody else only.
        """
        member = self.members.get(name, self.others)
        if member is None:
            raise AccessError(f"{name!r} is not a member of this gallery; ask an administrator to add them")
        return Principal(name, member.role, None if member.cameras is None else frozenset(member.cameras))

    def purpose_of(self, asked: str | None) -> str:
        """The purpose that an access goes under: the one asked for, else the gallery's own.

        Raises:
            AccessError: There is neither, or the policy does not allow that purpose.
        """
        purpose = (asked or self.purpose).strip()
        if not purpose:
            raise AccessError("expected a purpose, got none; name one, or set one in the gallery's policy")
        if self.purposes and purpose not in (*self.purposes, *self.live_alerts):
            allowed = ", ".join(dict.fromkeys((*self.purposes, *self.live_alerts)))
            raise AccessError(f"the policy allows the purposes {allowed}; {purpose!r} is none of them")
        return purpose

    def check_case(self, case: str | None) -> None:
        """Do nothing where a case is named or none is needed.

        Raises:
            AccessError: The policy wants a case.
        """
        if self.require_case and not (case or "").strip():
            raise AccessError("the policy asks for a case with every search; name one")

    def check_alerts(self, purpose: str) -> None:
        """Do nothing where live alerts are allowed for this purpose.

        Raises:
            AccessError: They are not.
        """
        if not self.live_alerts:
            raise AccessError(
                "live alerts are off; an administrator can allow them for a named purpose (live_alerts in the policy)"
            )
        if purpose not in self.live_alerts:
            raise AccessError(f"live alerts are allowed for {', '.join(self.live_alerts)} only, not for {purpose!r}")

    def kept(self, camera: str, *, matched: bool = False) -> Kept | None:
        """What of a sighting is stored.

        Args:
            camera: Name of its camera.
            matched: Whether it matches a watch list.

        Returns:
            Which parts; None: nothing of it at all.
        """
        own = self.cameras.get(camera, CameraPolicy())
        store = own.store or self.store
        if store == "matches" and not matched:
            return None
        return Kept(crop=store != "embeddings", embedding=True)

    def keep_days_of(self, camera: str) -> float | None:
        """For how many days sightings of a camera are kept; None: until they are erased."""
        own = self.cameras.get(camera, CameraPolicy()).keep_days
        return self.keep_days if own is None else own

    def cutoff(self, camera: str, now: datetime) -> datetime | None:
        """Before which time (UTC) a camera's sightings are due to be purged; None: none ever are."""
        days = self.keep_days_of(camera)
        if days is None:
            return None
        try:
            return now.astimezone(UTC) - timedelta(days=days)
        except OverflowError:  # longer than there has been a calendar
            return None

    def sees_as(self, role: Role) -> Sees:
        """What a role is shown; heads that are blurred in store are blurred for all."""
        return self.sees[role]

    def to_json(self) -> str:
        """The complete policy, defaults included, as `read_policy` reads it."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def read_policy(text: str) -> Policy:
    """Read a policy from JSON.

    Args:
        text: A JSON object with the fields of `Policy`; what is left out has its default.

    Raises:
        PolicyError: It is no JSON, a key is unknown (the nearest one is named), or a value does not fit.
    """
    if len(text) > _LARGEST:
        raise PolicyError(f"expected a policy of at most {_LARGEST:,} characters, got {len(text):,}")
    try:
        content = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"policy: expected a JSON object: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise PolicyError(f"policy: expected a JSON object of keys and values, got {type(content).__name__}")
    try:
        return Policy.model_validate_json(text)
    except ValidationError as error:
        raise PolicyError(f"policy: {_explain(error)}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return content


def _no_constants(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _explain(error: ValidationError) -> str:
    """The first problem in one line, with the nearest key for an unknown one."""
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    if problem["type"] == "extra_forbidden":
        unknown = str(problem["loc"][-1])
        close = difflib.get_close_matches(unknown, sorted(set(_keys(Policy))), 1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(Policy.model_fields)}"
        return f"unknown key {place!r}; {hint}"
    message = problem["msg"]
    return f"{place}: {message[:1].lower()}{message[1:]}, got {_short(problem['input'])}"


def _short(value: Any) -> str:  # noqa: ANN401
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _keys(model: type[BaseModel]) -> Iterator[str]:
    inner: Mapping[str, type[BaseModel]] = {"cameras": CameraPolicy, "sees": Sees, "others": Member}
    for name in model.model_fields:
        yield name
        if model is Policy and name in inner:
            yield from _keys(inner[name])
