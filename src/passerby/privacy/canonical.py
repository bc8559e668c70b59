"""One text for one content: what is hashed or signed must have no second way of being written."""

import json
from collections.abc import Mapping


def canonical(content: Mapping[str, object]) -> str:
    """JSON with sorted keys, no spaces, ASCII only.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
