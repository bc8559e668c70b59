import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import AccessError, PolicyError
from passerby.privacy.policy import CameraPolicy, Kept, Member, Policy, Sees, read_policy
from passerby.privacy.roles import Principal, Role

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_default_suits_ones_own_machine() -> None:
    policy = read_policy("{}")
    assert policy == Policy()
    assert policy.principal("anybody") == Principal("anybody", Role.ADMINISTRATOR)
    assert policy.purpose_of(None) == "not stated"
    assert policy.purpose_of("a lost child") == "a lost child"
    policy.check_case(None)
    assert policy.kept("gate") == Kept(crop=True, embedding=True)
    assert policy.cutoff("gate", NOW) is None
    assert policy.sees_as(Role.VIEWER).crops == "blurred"
    assert policy.sees_as(Role.ADMINISTRATOR).crops == "clear"
    with pytest.raises(AccessError, match="live alerts are off"):
        policy.check_alerts("a lost child")


names = st.text(min_size=1, max_size=8)
stores = st.sampled_from(["crops", "embeddings", "matches"])
days = st.none() | st.floats(0.001, 1e9)
members = st.builds(Member, role=st.sampled_from(Role), cameras=st.none() | st.lists(names).map(tuple))
policies = st.builds(
    Policy,
    purpose=st.text(max_size=200),
    purposes=st.lists(names).map(tuple),
    require_case=st.booleans(),
    store=stores,
    keep_days=days,
    cameras=st.dictionaries(names, st.builds(CameraPolicy, store=st.none() | stores, keep_days=days), max_size=3),
    blur_stored_heads=st.booleans(),
    sees=st.dictionaries(
        st.sampled_from(Role),
        st.builds(Sees, crops=st.sampled_from(["clear", "blurred", "hidden"]), embeddings=st.booleans()),
    ),
    live_alerts=st.lists(names).map(tuple),
    members=st.dictionaries(names, members, max_size=3),
    others=st.none() | members,
)


@settings(max_examples=40)
@given(policies)
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    assert read_policy(policy.to_json()) == policy


@settings(max_examples=40)
@given(policies, names)
def test_nothing_a_policy_says_of_one_camera_changes_another(policy: Policy, camera: str) -> None:
    own = policy.cameras.get(camera, CameraPolicy())
    assert policy.keep_days_of(camera) == (own.keep_days if own.keep_days is not None else policy.keep_days)
    without = policy.model_copy(update={"cameras": {}})
    if camera not in policy.cameras:
        assert policy.kept(camera) == without.kept(camera)
        assert policy.cutoff(camera, NOW) == without.cutoff(camera, NOW)


@pytest.mark.parametrize(
    ("store", "matched", "kept"),
    [
        ("crops", False, Kept(crop=True, embedding=True)),
        ("crops", True, Kept(crop=True, embedding=True)),
        ("embeddings", False, Kept(crop=False, embedding=True)),
        ("embeddings", True, Kept(crop=False, embedding=True)),
        ("matches", False, None),
        ("matches", True, Kept(crop=True, embedding=True)),
    ],
)
def test_what_is_kept(store: str, matched: bool, kept: Kept | None) -> None:
    assert read_policy(json.dumps({"store": store})).kept("gate", matched=matched) == kept
    camera = {"cameras": {"gate": {"store": store}}}
    assert read_policy(json.dumps(camera)).kept("gate", matched=matched) == kept
    assert read_policy(json.dumps(camera)).kept("hall", matched=matched) == Kept(crop=True, embedding=True)


def test_each_camera_has_its_own_cutoff_in_utc() -> None:
    policy = Policy(keep_days=30, cameras={"gate": CameraPolicy(keep_days=0.5), "hall": CameraPolicy()})
    assert policy.cutoff("gate", NOW) == NOW - timedelta(hours=12)
    assert policy.cutoff("hall", NOW) == policy.cutoff("yard", NOW) == NOW - timedelta(days=30)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=9)))
    assert policy.cutoff("yard", elsewhere) == NOW - timedelta(days=30)
    assert policy.cutoff("yard", elsewhere).tzinfo is UTC
    assert Policy(keep_days=1e12).cutoff("yard", NOW) is None


def test_members_have_their_role_and_cameras_and_others_what_is_left() -> None:
    text = '{"members": {"ann": {"role": "analyst", "cameras": ["gate"]}}, "others": {"role": "viewer"}}'
    policy = read_policy(text)
    assert policy.principal("ann") == Principal("ann", Role.ANALYST, frozenset({"gate"}))
    assert policy.principal("Ann") == Principal("Ann", Role.VIEWER)
    closed = read_policy('{"members": {"ann": {"role": "analyst"}}, "others": null}')
    with pytest.raises(AccessError, match="'bob' is not a member"):
        closed.principal("bob")


def test_purposes_and_cases_are_asked_for() -> None:
    policy = Policy(purpose="", purposes=("theft", "lost child"), live_alerts=("lost child",), require_case=True)
    assert policy.purpose_of(" theft ") == "theft"
    for purpose in (None, "", " "):
        with pytest.raises(AccessError, match="expected a purpose, got none"):
            policy.purpose_of(purpose)
    with pytest.raises(AccessError, match="theft, lost child; 'curiosity' is none of them"):
        policy.purpose_of("curiosity")
    policy.check_case("2026-014")
    for case in (None, "", "  "):
        with pytest.raises(AccessError, match="asks for a case"):
            policy.check_case(case)
    policy.check_alerts("lost child")
    with pytest.raises(AccessError, match="allowed for lost child only, not for 'theft'"):
        policy.check_alerts("theft")


def test_a_default_purpose_must_be_one_of_those_allowed() -> None:
    assert Policy(purpose="a", purposes=("a",)).purpose_of(None) == "a"
    with pytest.raises(AccessError, match="allows the purposes b"):
        Policy(purpose="a", purposes=("b",)).purpose_of(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"stor": "crops"}', "unknown key 'stor'; did you mean 'store'?"),
        ('{"zzz": 1}', "unknown key 'zzz'; expected one of version, purpose, "),
        ('{"cameras": {"gate": {"keep_dys": 1}}}', "unknown key 'cameras.gate.keep_dys'; did you mean 'keep_days'?"),
        ('{"store": "all"}', "store: input should be 'crops', 'embeddings' or 'matches', got 'all'"),
        ('{"keep_days": 0}', "keep_days: input should be greater than 0, got 0"),
        ('{"keep_days": "7"}', "keep_days: input should be a valid number, got '7'"),
        ('{"keep_days": NaN}', "NaN is no number"),
        ('{"keep_days": 1e999}', "keep_days: input should be a finite number"),
        ('{"require_case": 1}', "require_case: input should be a valid boolean, got 1"),
        ('{"sees": {"boss": {"crops": "clear", "embeddings": true}}}', "sees.boss: input should be 'viewer'"),
        ('{"sees": {"viewer": {"crops": "clear"}}}', "sees.viewer.embeddings: field required"),
        ('{"members": {"ann": {"role": "boss"}}}', "members.ann.role: input should be 'viewer', 'analyst'"),
        ('{"live_alerts": "theft"}', "live_alerts: input should be a valid "),
        ('{"version": 2}', "version: input should be 1, got 2"),
        ('{"store": "crops", "store": "matches"}', "'store' stands there twice"),
        ("[]", "expected a JSON object of keys and values, got list"),
        ("store: crops", "expected a JSON object: Expecting value"),
        ("[" * 100_000, "expected a JSON object"),
        (" " * 1_000_001, "expected a policy of at most 1,000,000 characters"),
    ],
)
def test_a_mistake_is_named_in_one_line(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as raised:
        read_policy(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
