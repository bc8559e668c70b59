"""One text for one content: what is hashed or signed must have no second way of being written."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime


def canonical(content: Mapping[str, object]) -> str:
    """JSON with sorted keys, no spaces, ASCII only.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def utc_text(time: datetime) -> str:
    """A moment as 2026-01-31T12:00:00.000000Z, which sorts as text; without a zone it is taken to be in UTC."""
    aware = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
