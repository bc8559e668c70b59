"""docs/data-sets.md lists every format with its variants, in the order in which they are tried."""

import re

from passerby.data import FORMATS


def test_every_format_has_its_row_with_its_variants(pages: dict[str, str]) -> None:
    section = pages["docs/data-sets.md"].partition("## Which sets")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .+? \| ([^|]+) \| ([^|]+) \|$", section, flags=re.MULTILINE)
    variants = {name: ", ".join(f"`{one}`" for one in format.variants) or "–" for name, format in FORMATS.items()}
    assert [(name, listed) for name, listed, _ in rows] == list(variants.items())
    for name, _, splits in rows:
        if FORMATS[name].splits:
            assert f"`{FORMATS[name].splits}`" in splits
        elif FORMATS[name].splits is None:
            assert "`split`" in splits
