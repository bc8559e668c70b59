"""Recipes: everything that decides a training, as one typed object from a YAML file."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passerby.data.transforms import Augmentation
from passerby.errors import RecipeError
from passerby.losses import AnyLoss, LossSpec
from passerby.models.network import Architecture
from passerby.models.preprocessing import Preprocessing
from passerby.training.optimizer import Optimizer
from passerby.training.schedule import Schedule

_LOSSES: tuple[type[LossSpec], ...] = get_args(get_args(AnyLoss)[0])


class Batch(BaseModel):
    """PK batches: so many people, so many pictures of each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: int = Field(16, ge=2, description="P; at most as many as the data has.")
    pictures: int = Field(4, ge=1, description="K.")


class Validation(BaseModel):
    """Whom to hold out of training, to choose the best model and to calibrate its threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.1, ge=0, lt=1, description="Share of the training people, at least two; 0: nobody.")
    every: int = Field(5, ge=1, description="Epochs between measurements; the last epoch is always measured.")


class Recipe(BaseModel):
    """Everything that decides a training, apart from the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="What the recipe is called.")
    summary: str = Field(description="One sentence: what it is, and where it comes from.")
    epochs: int = Field(ge=1, description="Times through the training people's pictures.")
    seed: int = Field(0, ge=0, description="Decides weights, batches, augmentation and validation people.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Of the forward pass; auto takes bf16 where the processor computes in it."
    )
    architecture: Architecture
    preprocessing: Preprocessing = Preprocessing()
    augmentation: Augmentation = Augmentation()
    batch: Batch = Batch()
    losses: tuple[AnyLoss, ...] = Field(min_length=1, description="Their weighted sum is minimised.")
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    validation: Validation = Validation()


def recipe_names() -> list[str]:
    """The recipes that come with Passerby, sorted."""
    folder = resources.files("passerby.training") / "recipes"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name_or_path: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """Load a recipe and change single values of it.

    Args:
        name_or_path: One of `recipe_names()`, or a YAML file.
        settings: "key=value" each, such as "epochs=20", "optimizer.learning_rate=0.001" or "losses.1.margin=soft".

    Raises:
        RecipeError: There is no such recipe, a key is unknown (the nearest one is named), or a value does not fit.
    """
    content = _read(name_or_path)
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            raise RecipeError(f"expected a setting as key=value, such as epochs=20, got {setting!r}")
        _set(content, key.strip(), yaml.safe_load(value))
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"recipe {name_or_path}: {_explain(error)}") from error


def to_yaml(recipe: Recipe) -> str:
    """The complete recipe, defaults included, as `load_recipe` reads it."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _read(name_or_path: str | Path) -> dict[str, Any]:
    names = recipe_names()
    if str(name_or_path) in names:
        text = (resources.files("passerby.training") / "recipes" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            nearest = difflib.get_close_matches(str(name_or_path), names, 1)
            hint = f"did you mean {nearest[0]}? " if nearest else ""
            raise RecipeError(
                f"expected a YAML file or one of the recipes {', '.join(names)}, got {str(name_or_path)!r}; "
                f"{hint}`passerby recipes` tells more"
            )
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path}: expected a YAML file, got something unreadable") from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{name_or_path}: expected YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name_or_path}: expected keys and values, got {type(content).__name__}")
    return content


def _set(content: dict[str, Any], key: str, value: Any) -> None:  # noqa: ANN401
    """Put a value at a dotted key; whether the key exists is seen when the recipe is validated."""
    *parents, last = key.split(".")
    place: Any = content
    for parent in parents:
        if isinstance(place, list) and parent.isdigit() and int(parent) < len(place):
            place = place[int(parent)]
        elif isinstance(place, dict):
            place = place.setdefault(parent, {})
        else:
            raise RecipeError(f"unknown key {key!r}: nothing stands at {parent!r}{_nearest(key)}")
    if isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise RecipeError(f"unknown key {key!r}: nothing stands at {last!r}{_nearest(key)}")


def _explain(error: ValidationError) -> str:
    """The first problem in one line, with the nearest key for an unknown one."""
    problem = error.errors()[0]
    # The place of a loss names its kind too, which is no key of the recipe.
    kinds = {get_args(spec.model_fields["kind"].annotation)[0] for spec in _LOSSES}
    place = [str(part) for part in problem["loc"] if part not in kinds]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}{_nearest(key)}"
    message = problem["msg"].removeprefix("Value error, ")
    got = "" if problem["type"] == "value_error" else f", got {problem['input']!r}"
    return f"{key}: {message[:1].lower()}{message[1:]}{got}"


def _nearest(key: str) -> str:
    known = list(_keys(Recipe))
    exact = [candidate for candidate in known if candidate.rpartition(".")[2] == key.rpartition(".")[2]]
    nearest = exact or difflib.get_close_matches(key, known, 1, 0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; expected one of {', '.join(Recipe.model_fields)}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key of a recipe; a loss's stand under its number, here 0."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _keys(annotation, f"{prefix}{name}.")
        elif name == "losses":
            for spec in _LOSSES:
                yield from _keys(spec, f"{prefix}{name}.0.")


def as_mapping(recipe: Recipe) -> Mapping[str, Any]:
    """The complete recipe as JSON-like values."""
    return recipe.model_dump(mode="json")
