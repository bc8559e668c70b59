"""What is suspicious in a data set without being wrong."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from passerby.data.containers import read_bytes
from passerby.errors import DataError
from passerby.types import DISTRACTOR, JUNK, Sample


def identical_pictures(samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pictures with the very same bytes that are said to show two people, one pair for each two people.

    Pictures that cannot be read are passed over: decoding tells of them.
    """
    by_content: dict[bytes, list[Sample]] = defaultdict(list)
    for sample in {sample.path: sample for sample in samples}.values():
        if sample.person_id in (JUNK, DISTRACTOR):
            continue
        content = _content(sample.path)
        if content is not None:
            by_content[hashlib.blake2b(content, digest_size=16).digest()].append(sample)
    found: dict[tuple[int, int], tuple[Sample, Sample]] = {}
    for alike in by_content.values():
        first = alike[0]
        for other in alike[1:]:
            if other.person_id != first.person_id:
                found.setdefault((first.person_id, other.person_id), (first, other))
    return list(found.values())


def people_with_fewer(samples: Sequence[Sample], pictures: int) -> int:
    """How many people have fewer than so many pictures."""
    counts = Counter(sample.person_id for sample in samples)
    return sum(count < pictures for person, count in counts.items() if person not in (JUNK, DISTRACTOR))


def _content(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except DataError:
        return None
