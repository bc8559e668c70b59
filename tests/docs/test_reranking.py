"""docs/reranking.md lists every method of re-ranking with its parameters and their defaults."""

import re

from passerby.retrieval.methods import METHODS, parameters_of


def test_every_method_has_its_row(pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \|", pages["docs/reranking.md"], flags=re.MULTILINE)
    expected = {name: ", ".join(f"`{key}={value}`" for key, value in parameters_of(name).items()) for name in METHODS}
    assert dict(rows) == expected
