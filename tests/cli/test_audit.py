"""`passerby audit` and the keys and policy of a gallery, as a user calls them, and tampering behind their back."""

import json
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passerby.gallery import open_gallery
from passerby.types import Sighting

Command = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_secrets_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASSERBY_KEY", "PASSERBY_PASSPHRASE", "PASSERBY_NEW_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A gallery with six lines in its audit log."""
    random = np.random.default_rng(0)
    with open_gallery(tmp_path / "g", principal="ann", purpose="a lost child", case="2026-014") as gallery:
        gallery.add(
            [
                Sighting(
                    "gate",
                    datetime(2026, 1, 1 + n, tzinfo=UTC),
                    embedding=random.normal(size=8),
                    model="m",
                    id=str(n),
                )
                for n in range(4)
            ]
        )
        for number in range(4):
            gallery.get(str(number))
        gallery.erase(before=datetime(2026, 1, 2, tzinfo=UTC))
    return tmp_path / "g"


def change(gallery: Path, statement: str) -> None:
    with sqlite3.connect(gallery / "gallery.sqlite") as connection:
        connection.execute(statement)
    connection.close()


def test_who_did_what_is_listed_and_can_be_chosen(passerby: Command, used: Path) -> None:
    shown = passerby("audit", "show", used)
    assert shown.code == 0
    assert "a lost child" in shown.out
    assert "2026-014" in shown.out
    assert "sightings: 2" in shown.out
    assert "1 erased since" in shown.out
    lines = [json.loads(line) for line in passerby("audit", "show", used, "--json").out.splitlines()]
    assert [line["action"] for line in lines[:6]] == ["add", "view", "view", "view", "view", "erase"]
    assert {line["principal"] for line in lines[:6]} == {"ann"}
    assert lines[6]["action"] == "audit"  # Looking is an access too.
    views = passerby(
        "audit", "show", used, "--json", "--action", "view", "--principal", "ann", "--of-case", "2026-014"
    )
    assert len(views.out.splitlines()) == 4
    assert passerby("audit", "show", used, "--json", "--refused").out == ""
    assert passerby("audit", "show", used, "--json", "--before", "2020-01-01").out == ""


TAMPERED = {
    "changed": ("UPDATE audit SET line = replace(line, 'ann', 'bob') WHERE number = 3", "line 3: changed"),
    "cut out": ("DELETE FROM audit WHERE number = 3", "line 3: expected line 3, got 4"),
    "moved": (
        "UPDATE audit SET line = CASE number WHEN 3 THEN (SELECT line FROM audit WHERE number = 4) "
        "ELSE (SELECT line FROM audit WHERE number = 3) END WHERE number IN (3, 4)",
        "line 3: expected line 3, got 4",
    ),
    "cut off": ("DELETE FROM audit WHERE number > 4", "line 5: 2 missing at the end: the head counts 6"),
    "put in": ("INSERT INTO audit SELECT 7, line FROM audit WHERE number = 2", "line 7: expected line 7, got 2"),
    "unreadable": ("UPDATE audit SET line = 'x' WHERE number = 1", "line 1: unreadable"),
    "forged head": ("UPDATE settings SET value = 'x' WHERE name = 'audit_head'", "the head is damaged"),
    "unsigned head": (
        "UPDATE settings SET value = substr(value, 1, 66) WHERE name = 'audit_head'",
        "not signed with the gallery's key",
    ),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_tampering_is_found_and_named(kind: str, passerby: Command, used: Path) -> None:
    statement, message = TAMPERED[kind]
    change(used, statement)
    outcome = passerby("audit", "verify", used)
    assert outcome.code == 2
    assert message in outcome.err
    as_json = json.loads(passerby("audit", "verify", used, "--json").out)
    assert not as_json["intact"]
    assert message in "; ".join(f"line {found['line']}: {found['message']}" for found in as_json["problems"])


def test_an_untouched_log_is_intact(passerby: Command, used: Path) -> None:
    assert passerby("audit", "verify", used).out.startswith("intact: 6 lines, head 6:")
    found = json.loads(passerby("audit", "verify", used, "--json").out)
    assert (found["intact"], found["lines"], found["erased_subjects"], found["problems"]) == (True, 7, 1, [])


def test_a_witness_and_a_copy_show_what_the_gallery_alone_cannot(
    passerby: Command, used: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.jsonl"
    copy.write_text(passerby("audit", "show", used, "--json").out)
    head = json.loads(passerby("audit", "verify", used, "--json").out)["head"]
    assert passerby("audit", "verify", used, "--witness", head).code == 0
    assert passerby("audit", "verify", copy).code == 0
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_text("".join(copy.read_text().splitlines(keepends=True)[:-1]))
    assert passerby("audit", "verify", shorter).code == 0
    outcome = passerby("audit", "verify", shorter, "--witness", head)
    assert outcome.code == 2
    assert "a witness saw 7 lines; line 7 is gone" in outcome.error
    assert (
        "expected the head of an audit log as COUNT:HASH" in passerby("audit", "verify", used, "--witness", "7").error
    )


def test_a_policy_is_shown_set_and_refused(passerby: Command, used: Path, tmp_path: Path) -> None:
    assert json.loads(passerby("gallery", "policy", used).out)["store"] == "crops"
    file = tmp_path / "policy.json"
    file.write_text('{"keep_dys": 7}')
    refused = passerby("gallery", "policy", used, "--set", file)
    assert refused.code == 2
    assert "unknown key 'keep_dys'; did you mean 'keep_days'?" in refused.error
    file.write_text('{"keep_days": 7, "purpose": "lost property"}')
    assert passerby("gallery", "policy", used, "--set", file).code == 0
    assert json.loads(passerby("gallery", "policy", used).out)["keep_days"] == 7
    assert passerby("gallery", "purge", used).out.startswith("3 sightings erased")
    missing = passerby("gallery", "policy", used, "--set", tmp_path / "none.json")
    assert (missing.code, "none.json" in missing.error) == (2, True)


def test_a_gallery_changes_its_key_and_its_passphrase(
    passerby: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key, other = tmp_path / "g", tmp_path / "site.key", tmp_path / "other.key"
    assert passerby("gallery", "create", place, "--encrypt", "--key", key).code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert passerby("gallery", "info", place, "--key", key).code == 0
    assert passerby("gallery", "lock", place, "--key", key, "--new-key", other).code == 0
    wrong = passerby("gallery", "info", place, "--key", key)
    assert (wrong.code, "wrong key" in wrong.error) == (2, True)
    assert key.read_text().strip() not in wrong.error
    assert passerby("gallery", "rekey", place, "--key", other, "--turn").code == 0
    monkeypatch.setenv("PASSERBY_NEW_PASSPHRASE", "correct horse battery")
    assert passerby("gallery", "lock", place, "--key", other).code == 0
    monkeypatch.setenv("PASSERBY_PASSPHRASE", "correct horse battery")
    assert passerby("gallery", "info", place).code == 0
    monkeypatch.setenv("PASSERBY_PASSPHRASE", "wrong horse battery")
    assert "wrong passphrase" in passerby("gallery", "info", place).error
    monkeypatch.delenv("PASSERBY_PASSPHRASE")
    assert "give its passphrase" in passerby("gallery", "info", place).error


def test_a_plain_gallery_has_no_key_to_change(passerby: Command, used: Path, tmp_path: Path) -> None:
    none = passerby("gallery", "lock", used, "--new-key", tmp_path / "k")
    assert none.code == 2
    assert "rekey" not in none.error
    refused = passerby("gallery", "rekey", used)
    assert (refused.code, "expected an encrypted gallery, got a plain one" in refused.error) == (2, True)
