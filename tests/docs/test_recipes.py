"""docs/recipes.md lists every recipe and every key of a recipe, as they are defined, and no other."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from passerby.losses import AnyLoss, LossSpec
from passerby.models.attention.spec import AttentionSpec
from passerby.training.recipe import Recipe, load_recipe, recipe_names

PAGE = "docs/recipes.md"
LOSSES: tuple[type[LossSpec], ...] = get_args(get_args(AnyLoss)[0])


def recipe_rows() -> list[str]:
    rows = []
    for name in recipe_names():
        recipe = load_recipe(name)
        size = f"{recipe.preprocessing.height}×{recipe.preprocessing.width}"
        rows.append(f"| `{name}` | {recipe.architecture.backbone} | {size} | {recipe.epochs} | {recipe.summary} |")
    return rows


def key_rows() -> list[str]:
    rows = [
        f"| `{key}` | {_shown(field)} | {field.description} |"
        for key, field in keys(Recipe)
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    ]
    rows += [
        f"| `architecture.attention.N.{key}` | {_shown(field)} | {field.description} |"
        for key, field in AttentionSpec.model_fields.items()
    ]
    for spec in LOSSES:
        kind = get_args(spec.model_fields["kind"].annotation)[0]
        rows += [
            f"| `losses.N.{key}` | {f'`{kind}`' if key == 'kind' else _shown(field)} | {field.description} |"
            for key, field in spec.model_fields.items()
        ]
    return rows


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")


def _shown(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "`null`"
    return f"`{list(field.default) if isinstance(field.default, tuple) else field.default}`"


def test_every_recipe_is_listed_and_nothing_else(pages: dict[str, str]) -> None:
    found = re.findall(r"^\| `[a-z0-9-]+` \|.*×.*$", pages[PAGE], flags=re.MULTILINE)
    assert found == recipe_rows(), "expected in docs/recipes.md:\n" + "\n".join(recipe_rows())


def test_every_key_is_described_as_it_is_defined_and_no_other(pages: dict[str, str]) -> None:
    after_recipes = pages[PAGE].partition("## Keys")[2]
    found = [line for line in after_recipes.splitlines() if line.startswith("| `")]
    assert found == key_rows(), "expected in docs/recipes.md:\n" + "\n".join(key_rows())


def test_every_key_has_a_description() -> None:
    assert not [row for row in key_rows() if row.endswith("| None |")]


def test_every_place_where_a_key_is_set_names_a_key(pages: dict[str, str]) -> None:
    known = {key for key, _ in keys(Recipe)}
    known |= {f"losses.N.{key}" for spec in LOSSES for key in spec.model_fields}
    known |= {f"architecture.attention.N.{key}" for key in AttentionSpec.model_fields}
    for page, text in pages.items():
        for key in re.findall(r"--set ([a-z0-9_.]+)=", text):
            assert re.sub(r"\.\d+\.", ".N.", key) in known | {"key"}, f"{page} sets {key}, which is no key"


@pytest.fixture(scope="module")
def maker(root: Path, module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The tool that makes the methods' pages."""
    return module_at(root / "tools" / "recipe_pages.py")


def test_every_method_has_the_page_that_its_recipe_makes(maker: ModuleType, root: Path) -> None:
    for name in maker.METHODS:
        made = maker.page(load_recipe(name), maker.measured(name))
        assert maker.read(name) == made, f"run python tools/recipe_pages.py --write for {name}"
    pages = {path.stem for path in (root / "docs" / "recipes").glob("*.md")}
    assert pages == set(maker.METHODS)
