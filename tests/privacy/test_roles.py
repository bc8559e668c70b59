"""Every role, action and camera in one table, written out once more by hand."""

import pytest

from passerby.errors import AccessError
from passerby.privacy.roles import Action, Principal, Role, decide, permit

TABLE = """
                viewer  analyst  administrator  administrator-of-gate
info            yes     yes      yes            gate
view            yes     yes      yes            gate
watch           yes     yes      yes            gate
search          no      yes      yes            gate
add             no      yes      yes            gate
label           no      yes      yes            gate
export          no      yes      yes            gate
alert           no      yes      yes            gate
delete          no      no       yes            gate
erase           no      no       yes            gate
purge           no      no       yes            gate
audit           no      no       yes            no
verify          no      no       yes            no
maintain        no      no       yes            no
backup          no      no       yes            no
configure       no      no       yes            no
"""
PRINCIPALS = {
    "viewer": Principal("vic", Role.VIEWER),
    "analyst": Principal("ann", Role.ANALYST),
    "administrator": Principal("ada", Role.ADMINISTRATOR),
    "administrator-of-gate": Principal("gus", Role.ADMINISTRATOR, frozenset({"gate"})),
}
HEADER, *ROWS = [line.split() for line in TABLE.split("\n") if line]


def test_the_table_has_every_action() -> None:
    assert sorted(row[0] for row in ROWS) == sorted(Action)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_decisions_are_those_of_the_table(row: list[str]) -> None:
    action = Action(row[0])
    for name, answer in zip(HEADER, row[1:], strict=True):
        principal = PRINCIPALS[name]
        allowed = {camera: decide(principal, action, camera).allowed for camera in (None, "gate", "hall")}
        assert allowed == {None: answer == "yes", "gate": answer != "no", "hall": answer == "yes"}, name


@pytest.mark.parametrize("role", list(Role))
def test_whoever_is_limited_may_do_no_more_than_whoever_is_not(role: Role) -> None:
    everywhere, limited, nowhere = (Principal("x", role, cameras) for cameras in (None, {"gate"}, frozenset()))
    for action in Action:
        for camera in (None, "gate", "hall"):
            assert decide(everywhere, action, camera).allowed >= decide(limited, action, camera).allowed
            assert not decide(nowhere, action, camera).allowed


def test_every_refusal_has_one_line_that_names_who_and_why() -> None:
    for principal in PRINCIPALS.values():
        for action in Action:
            for camera in (None, "gate", "hall"):
                decision = decide(principal, action, camera)
                assert bool(decision.reason) != decision.allowed
                assert "\n" not in decision.reason
                if not decision.allowed:
                    assert principal.name in decision.reason
    viewer = decide(PRINCIPALS["viewer"], Action.SEARCH)
    assert viewer.reason == "vic is a viewer; search needs an analyst"
    other = decide(PRINCIPALS["administrator-of-gate"], Action.VIEW, "hall")
    assert other.reason == "gus is limited to camera gate; 'hall' is not among them"


def test_cameras_are_narrowed_to_those_one_may_see() -> None:
    everybody, gus = PRINCIPALS["analyst"], Principal("gus", Role.ANALYST, frozenset({"gate", "hall"}))
    assert permit(everybody, Action.SEARCH) is None
    assert permit(everybody, Action.SEARCH, ["gate"]) == {"gate"}
    assert permit(gus, Action.SEARCH) == {"gate", "hall"}
    assert permit(gus, Action.SEARCH, ["hall"]) == {"hall"}
    assert permit(gus, Action.SEARCH, []) == frozenset()
    with pytest.raises(AccessError, match="limited to cameras gate, hall; 'yard' is not among them") as raised:
        permit(gus, Action.SEARCH, ["gate", "yard"])
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_permitted_is_what_the_table_allows(row: list[str]) -> None:
    action = Action(row[0])
    for name, answer in zip(HEADER, row[1:], strict=True):
        principal = PRINCIPALS[name]
        for cameras in (None, [], ["gate"], ["hall"], ["gate", "hall"]):
            allowed = answer == "yes" or (answer == "gate" and "hall" not in (cameras or []))
            if allowed:
                own = principal.cameras if cameras is None else frozenset(cameras)
                assert permit(principal, action, cameras) == own
            else:
                with pytest.raises(AccessError, match=principal.name):
                    permit(principal, action, cameras)


@pytest.mark.parametrize("action", list(Action))
def test_whoever_has_no_camera_gets_no_further_than_their_role(action: Action) -> None:
    """An empty list must not slip through because there is nothing on it to refuse."""
    nowhere = Principal("nil", Role.VIEWER, frozenset())
    for cameras in (None, []):
        if decide(Principal("vic", Role.VIEWER), action).allowed:
            assert permit(nowhere, action, cameras) == frozenset()
        else:
            with pytest.raises(AccessError, match="nil"):
                permit(nowhere, action, cameras)
