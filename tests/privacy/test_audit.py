"""Whatever is done to a log afterwards is found; erasing whom it was about is not damage."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.errors import AuditError
from passerby.privacy.audit import GENESIS, AuditEvent, AuditHead, append, read_head, read_line
from passerby.privacy.audit_report import ERASED_LINES, line_ranges, verify_lines
from passerby.privacy.signing import SigningKey

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = SigningKey(bytes(range(32)))


def event(number: int, *subjects: str) -> AuditEvent:
    return AuditEvent(
        time=NOON + timedelta(seconds=number),
        principal="anna",
        purpose="a lost child",
        case="2026-014",
        action="view",
        detail={"cameras": ["gate"], "shown": number},
        subjects=subjects,
    )


def log(length: int) -> tuple[list[str], AuditHead]:
    head, lines = AuditHead(), []
    for number in range(length):
        record, head = append(event(number, *(f"s{number}{place}" for place in range(number % 3))), head)
        lines.append(record.to_line())
    return lines, head.signed(KEY)


LINES, HEAD = log(12)


def test_an_untouched_log_is_intact() -> None:
    report = verify_lines(LINES, HEAD, public=KEY.public, witnesses=[HEAD])
    assert report.intact
    assert (report.lines, report.erased_subjects) == (12, 0)
    assert report.head == replace(HEAD, signature="")
    assert verify_lines([], AuditHead()).intact
    assert verify_lines([]).head == AuditHead(0, GENESIS)


def test_the_chain_is_the_one_described() -> None:
    """Computed once more without the module: other programs can check a log too."""
    previous = "0" * 64
    for number, line in enumerate(LINES, 1):
        content = json.loads(line)
        subjects, digest = content.pop("subjects"), content.pop("hash")
        assert (content["sequence"], content["previous"]) == (number, previous)
        assert " ".join(sorted(content)) == (
            "action allowed case commitments detail previous principal purpose sequence time"
        )
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(b"passerby audit line 1\n" + text.encode()).hexdigest() == digest
        for subject, commitment in zip(subjects, content["commitments"], strict=True):
            assert hashlib.sha256(f"passerby audit subject 1\n{subject}".encode()).hexdigest()[:32] == commitment
        previous = digest
    assert previous == HEAD.hash


def test_a_line_is_read_as_it_was_written_and_times_become_utc() -> None:
    for line in LINES:
        assert read_line(line).to_line() == line
    east = replace(event(0), time=NOON.astimezone(timezone(timedelta(hours=9))))
    assert append(east, AuditHead())[0].time == "2026-01-31T12:00:00.000000Z"


@given(st.integers(0, 11), st.data())
def test_a_changed_character_is_found(place: int, data: st.DataObject) -> None:
    line = LINES[place]
    where = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters(exclude_characters=line[where]))
    changed = [*LINES[:place], line[:where] + other + line[where + 1 :], *LINES[place + 1 :]]
    report = verify_lines(changed, HEAD)
    assert [problem.line for problem in report.problems if problem.line == place + 1]


@given(st.integers(0, 10), st.integers(1, 5))
def test_lines_cut_out_are_found_without_the_head(place: int, count: int) -> None:
    cut = LINES[:place] + LINES[place + count :]
    if place + count < len(LINES):
        report = verify_lines(cut)
        assert report.problems[0].line == place + 1
        assert f"expected line {place + 1}, got {place + count + 1}" in report.problems[0].message


@given(st.permutations(range(12)))
def test_moved_lines_are_found_without_the_head(order: list[int]) -> None:
    report = verify_lines([LINES[place] for place in order])
    assert report.intact == (order == list(range(12)))


@given(st.integers(0, 11))
def test_a_line_put_in_is_found_without_the_head(place: int) -> None:
    """Even one that follows properly from the line before."""
    before = read_line(LINES[place - 1]) if place else None
    head = AuditHead(before.sequence, before.hash) if before else AuditHead()
    forged, _ = append(event(99), head)
    assert not verify_lines([*LINES[:place], forged.to_line(), *LINES[place:]]).intact
    assert not verify_lines([*LINES[: place + 1], LINES[place], *LINES[place + 1 :]]).intact


@given(st.integers(0, 11))
def test_a_cut_end_is_found_by_the_head_only(length: int) -> None:
    assert verify_lines(LINES[:length]).intact
    report = verify_lines(LINES[:length], HEAD)
    assert [str(problem) for problem in report.problems] == [
        f"line {length + 1}: {12 - length:,} missing at the end: the head counts 12"
    ]


def test_a_line_added_at_the_end_is_found_by_the_head_only() -> None:
    forged, head = append(event(99), HEAD)
    lines = [*LINES, forged.to_line()]
    assert verify_lines(lines).intact
    assert "added after the end" in verify_lines(lines, HEAD).problems[0].message
    problems = verify_lines(lines, head, public=KEY.public).problems
    assert [problem.message for problem in problems] == ["the head is not signed with the gallery's key"]


def test_a_log_rewritten_as_a_whole_is_found_by_signature_and_by_witness() -> None:
    head, forged = AuditHead(), []
    for number in range(12):
        record, head = append(replace(event(number), principal="nobody"), head)
        forged.append(record.to_line())
    assert verify_lines(forged, head).intact
    by_another = head.signed(SigningKey(bytes(32)))
    assert not verify_lines(forged, by_another, public=KEY.public).intact
    assert "log was rewritten" in verify_lines(forged, HEAD).problems[0].message
    witness = AuditHead(5, read_line(LINES[4]).hash)
    report = verify_lines(forged, head, witnesses=[witness])
    assert [(problem.line, "rewritten" in problem.message) for problem in report.problems] == [(5, True)]


def test_putting_log_and_head_back_to_an_earlier_state_is_found_by_a_witness() -> None:
    lines, head = LINES[:7], AuditHead(7, read_line(LINES[6]).hash).signed(KEY)
    assert verify_lines(lines, head, public=KEY.public).intact
    report = verify_lines(lines, head, public=KEY.public, witnesses=[HEAD])
    assert [str(problem) for problem in report.problems] == ["line 8: a witness saw 12 lines; line 12 is gone"]


def erased(lines: list[str], subjects: set[str]) -> list[str]:
    return [read_line(line).without(subjects).to_line() for line in lines]


def with_erasure(lines: list[str], head: AuditHead, places: list[int], subjects: set[str]) -> list[str]:
    """The log after an erasure of subjects that says they were in those lines; the head is the new line's."""
    about = replace(event(50), action="erase", detail={ERASED_LINES: line_ranges(places)})
    return [*erased(lines, subjects), append(about, head)[0].to_line()]


def test_subjects_can_be_erased_without_breaking_the_chain() -> None:
    lines = with_erasure(LINES, HEAD, [2, 3, 6], {"s10", "s20", "s51"})
    report = verify_lines(lines, AuditHead(13, read_line(lines[-1]).hash))
    assert report.intact
    assert report.erased_subjects == 3
    assert read_line(lines[1]).known_subjects == ()
    assert read_line(lines[2]).known_subjects == ("s21",)
    assert read_line(lines[5]).known_subjects == ("s50",)
    assert all(f':{subject}"' not in "".join(lines) for subject in ("s10", "s20", "s51"))


def test_the_salted_hash_that_stays_tells_nothing_of_the_subject() -> None:
    first, second = (append(event(1, "17", "17"), AuditHead())[0] for _ in range(2))
    assert first.known_subjects == second.known_subjects == ("17", "17")
    assert len({*first.commitments, *second.commitments}) == 4


def test_a_subject_removed_without_an_erasure_on_record_is_found() -> None:
    assert [str(problem) for problem in verify_lines(erased(LINES, {"s20"}), HEAD).problems] == [
        "line 3: a subject was removed, but no erasure is on record"
    ]
    lines = with_erasure(LINES, HEAD, [3], {"s20"})
    assert verify_lines(lines).intact
    assert [problem.line for problem in verify_lines(erased(lines, {"s51"})).problems] == [6]


def test_an_erasure_explains_nothing_that_comes_after_it() -> None:
    first, head = append(replace(event(50), detail={ERASED_LINES: [1, 10**12]}), AuditHead())
    second, head = append(event(1, "17"), head)
    lines = [first.to_line(), second.without({"17"}).to_line()]
    assert [problem.line for problem in verify_lines(lines, head).problems] == [2]


def test_another_subject_in_place_of_the_true_one_is_found() -> None:
    record = read_line(LINES[1])
    swapped = replace(record, subjects=[record.subjects[0].replace("s10", "s20")]).to_line()
    report = verify_lines([LINES[0], swapped, *LINES[2:]], HEAD)
    assert [str(problem) for problem in report.problems] == ["line 2: a subject was changed"]


@given(st.sets(st.integers(1, 40)))
def test_ranges_of_lines_name_exactly_those_lines(numbers: set[int]) -> None:
    ranges = line_ranges(numbers)
    pairs = list(zip(ranges[::2], ranges[1::2], strict=True))
    assert {number for first, last in pairs for number in range(first, last + 1)} == numbers


NO_LINES = (
    "", "{}", "[]", "null", "7", "{" * 5000, "x" * 70_000,
    LINES[0] + " ", " " + LINES[0], LINES[0][:-1], LINES[0][:-1] + ',"extra":1}', LINES[0].replace(",", ", ", 1),
    LINES[0].replace('"sequence":1', '"sequence":1.0'), LINES[0].replace('"sequence":1', '"sequence":true'),
    LINES[0].replace('"allowed":true', '"allowed":"yes"'), LINES[1].replace('"subjects":["', '"subjects":["zz","'),
    LINES[1].replace('"subjects":["', '"subjects":[7,"'),
)  # fmt: skip


@pytest.mark.parametrize("line", NO_LINES)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(AuditError):
        read_line(line)
    assert not verify_lines([line]).intact


@settings(max_examples=50)
@given(
    st.text(max_size=200)
    | st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text()).map(json.dumps)
)
def test_whatever_stands_there_verifying_ends_with_a_report(line: str) -> None:
    report = verify_lines([LINES[0], line, LINES[2]], HEAD)
    assert not report.intact


def test_a_head_is_read_as_it_was_written() -> None:
    for head in (HEAD, AuditHead(), replace(HEAD, signature="")):
        assert read_head(head.to_text()) == head
    for text in ("", "12", "x:y", f"-1:{GENESIS}", "12:abc", f"12:{GENESIS}:a:b", f"²:{GENESIS}"):
        with pytest.raises(AuditError, match="COUNT:HASH"):
            read_head(text)


def test_signatures_cover_count_and_hash() -> None:
    assert HEAD.is_signed_by(KEY.public)
    assert not replace(HEAD, count=11).is_signed_by(KEY.public)
    assert not replace(HEAD, hash=GENESIS).is_signed_by(KEY.public)
    assert not replace(HEAD, signature="").is_signed_by(KEY.public)
    assert not replace(HEAD, signature="%%%").is_signed_by(KEY.public)
    assert not HEAD.is_signed_by(SigningKey(bytes(32)).public)


def test_what_cannot_be_put_on_record_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="zone"):
        append(replace(event(0), time=NOON.replace(tzinfo=None)), AuditHead())
    with pytest.raises(ValueError, match="at most"):
        append(replace(event(0), detail={"much": "x" * 70_000}), AuditHead())
    with pytest.raises(ValueError, match="Out of range"):
        append(replace(event(0), detail={"share": float("nan")}), AuditHead())
