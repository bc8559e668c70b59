import json
from pathlib import Path

import pytest

from passerby.data.provenance import is_synthetic, read_provenance


def test_what_a_generator_says_is_read(tmp_path: Path) -> None:
    content = {"generator": "passerby.synthetic", "generator_version": 2, "arguments": {"seed": 3}}
    (tmp_path / "provenance.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_provenance(tmp_path) == content
    assert is_synthetic(tmp_path)


@pytest.mark.parametrize("content", [None, "", "[]", '{"generator": 1}', '{"camera": "x"}', "\xff"])
def test_other_folders_have_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "provenance.json").write_bytes(content.encode("latin-1"))
    assert read_provenance(tmp_path) is None
    assert not is_synthetic(tmp_path)
