"""Recipes: everything that decides a training, as one typed object from a YAML file."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from passerby.data.transforms import Augmentation
from passerby.errors import RecipeError
from passerby.losses import AnyLoss, LossSpec, loss_names
from passerby.models.attention.spec import AttentionSpec
from passerby.models.network import Architecture
from passerby.models.preprocessing import Preprocessing
from passerby.training.averaging import Averaging
from passerby.training.batch import Batch
from passerby.training.decorrelation import LINEAR_NECKS, Decorrelation
from passerby.training.freezing import Freeze
from passerby.training.long_tail import LongTail
from passerby.training.occlusion import Occlusion
from passerby.training.optimizer import Optimizer
from passerby.training.schedule import Schedule
from passerby.training.weighting import Weighting

_MASKS = ("channel", "encoder_decoder", "harmonious")
"""The kinds of attention that are masks."""

_LOSSES: tuple[type[LossSpec], ...] = get_args(get_args(AnyLoss)[0])


class SmallPictures(BaseModel):
    """Smaller pictures in the first epochs: cheaper steps, while only coarse things are learnt anyway.

    Progressive resizing, as in Touvron et al., "Fixing the train-test resolution discrepancy" (NeurIPS 2019), and
    Tan and Le, "EfficientNetV2" (ICML 2021, section 4).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(0, ge=0, description="How many epochs see smaller pictures; 0: none.")
    scale: float = Field(0.5, ge=0.25, le=1, description="Factor on height and width in these epochs.")

    def scale_in(self, epoch: int) -> float:
        """The factor in an epoch, from 0."""
        return self.scale if epoch < self.epochs else 1.0


class Loading(BaseModel):
    """How pictures are brought to the network's size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resize: Literal["pillow", "torch"] = Field(
        "pillow",
        description="Each by itself, as for search; or by batches, which is faster and at most one level of 255 off.",
    )


class Validation(BaseModel):
    """Whom to hold out of training, to choose the best model and to calibrate its threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.1, ge=0, lt=1, description="Share of the training people, at least two; 0: nobody.")
    every: int = Field(5, ge=1, description="Epochs between measurements; the last epoch is always measured.")
    patience: int | None = Field(
        None, ge=1, description="Training ends after so many measurements in a row without a better mAP; null: never."
    )


class Recipe(BaseModel):
    """Everything that decides a training, apart from the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="What the recipe is called.")
    summary: str = Field(description="One sentence: what it is, and where it comes from.")
    paper: str = Field("", description="The publication that it follows.")
    epochs: int = Field(ge=1, description="Times through the training people's pictures.")
    seed: int = Field(0, ge=0, lt=2**63, description="Decides weights, batches, augmentation and validation people.")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="Of the forward pass; auto takes bf16 where the processor computes in it."
    )
    architecture: Architecture
    preprocessing: Preprocessing = Preprocessing()
    augmentation: Augmentation = Augmentation()
    loading: Loading = Loading()
    small_pictures: SmallPictures = SmallPictures()
    batch: Batch = Batch()
    long_tail: LongTail = LongTail()
    losses: tuple[AnyLoss, ...] = Field(min_length=1, description="Their weighted sum is minimised.")
    weighting: Weighting = Weighting()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    freeze: Freeze = Freeze()
    decorrelation: Decorrelation = Decorrelation()
    occlusion: Occlusion = Occlusion()
    ema: Averaging = Averaging()
    validation: Validation = Validation()

    @field_validator("losses")
    @classmethod
    def _some_count_at_once(cls, losses: tuple[LossSpec, ...]) -> tuple[LossSpec, ...]:
        if all(loss.from_epoch > 0 for loss in losses):
            raise ValueError("expected a loss that counts from epoch 0, got none")
        return losses

    @field_validator("losses")
    @classmethod
    def _have_positives(cls, losses: tuple[LossSpec, ...], info: ValidationInfo) -> tuple[LossSpec, ...]:
        batch = info.data.get("batch")
        needing = [loss.kind for loss in losses if loss.needs_positives]
        if batch is not None and batch.pictures_per_person < 2 and needing:
            raise ValueError(
                f"expected batch.pictures of at least 2 for {needing[0]}, which compares pictures of one person, got "
                f"{batch.pictures}: a batch without positives"
            )
        return losses

    @field_validator("losses")
    @classmethod
    def _have_masks(cls, losses: tuple[LossSpec, ...], info: ValidationInfo) -> tuple[LossSpec, ...]:
        architecture = info.data.get("architecture")
        masked = architecture is not None and any(spec.kind in _MASKS for spec in architecture.attention)
        if architecture is not None and not masked and any(loss.space == "masks" for loss in losses):
            raise ValueError(f"expected attention of a kind {', '.join(_MASKS)} for uniformity, got none")
        return losses

    @field_validator("weighting")
    @classmethod
    def _weighs_losses_of_the_recipe(cls, weighting: Weighting, info: ValidationInfo) -> Weighting:
        names = loss_names(info.data.get("losses", ()))
        unknown = [name for name in weighting.losses if name not in names]
        if unknown and names:
            raise ValueError(f"expected names of the recipe's losses ({', '.join(names)}), got {unknown[0]!r}")
        return weighting

    @field_validator("decorrelation")
    @classmethod
    def _has_a_layer_to_decorrelate(cls, decorrelation: Decorrelation, info: ValidationInfo) -> Decorrelation:
        architecture = info.data.get("architecture")
        if decorrelation.rounds and architecture is not None and architecture.neck not in LINEAR_NECKS:
            wanted = " or ".join(LINEAR_NECKS)
            raise ValueError(f"expected architecture.neck={wanted} for decorrelation, got {architecture.neck}")
        return decorrelation

    @field_validator("occlusion")
    @classmethod
    def _has_an_identity_loss_to_fool(cls, occlusion: Occlusion, info: ValidationInfo) -> Occlusion:
        losses = info.data.get("losses")
        fooled = losses is None or any(loss.kind == "cross_entropy" and loss.space == "neck" for loss in losses)
        if occlusion.share and not fooled:
            raise ValueError("expected a cross_entropy loss on the neck for occlusion, got none")
        return occlusion

    @field_validator("long_tail")
    @classmethod
    def _draws_people_one_by_one(cls, long_tail: LongTail, info: ValidationInfo) -> LongTail:
        if long_tail.sampling != "pictures" and "batch" in info.data and info.data["batch"].in_a_row > 1:
            raise ValueError("expected batch.in_a_row=1 with long_tail.sampling, which draws people one by one")
        if long_tail.sampling != "pictures" and "batch" in info.data and info.data["batch"].sampler != "people":
            raise ValueError("expected batch.sampler=people with long_tail.sampling, which is a sampler itself")
        return long_tail

    @field_validator("losses")
    @classmethod
    def _has_something_to_weigh(cls, losses: tuple[LossSpec, ...], info: ValidationInfo) -> tuple[LossSpec, ...]:
        weighs = "long_tail" in info.data and info.data["long_tail"].reweighting != "none"
        if weighs and all(loss.kind != "cross_entropy" for loss in losses):
            raise ValueError("expected a cross_entropy loss for long_tail.reweighting, got none")
        return losses

    def cautions(self) -> list[str]:
        """What in the recipe has no effect because training ends before it, a sentence each."""
        found = [
            f"{loss.kind} counts from epoch {loss.from_epoch}, but training ends after {self.epochs}"
            for loss in self.losses
            if loss.from_epoch >= self.epochs
        ]
        turns = self.decorrelation
        if turns.rounds and turns.from_epoch >= self.epochs:
            found.append(f"training ends after {self.epochs} epochs, before decorrelation.from_epoch")
        if self.occlusion.share and self.occlusion.from_epoch >= self.epochs:
            found.append(f"training ends after {self.epochs} epochs, before occlusion.from_epoch")
        if self.schedule.warmup_epochs >= self.epochs:
            found.append(
                f"the learning rate warms up for {self.schedule.warmup_epochs:g} epochs, but training ends after "
                f"{self.epochs}; see schedule.warmup_epochs"
            )
        if self.batch.in_a_row > 1 and self.validation.share > 0:
            found.append(
                "people held out for validation leave gaps in the rows that share batches; hold nobody out with "
                "validation.share=0"
            )
        if self.long_tail.from_epoch >= self.epochs:
            found.append(f"training ends after {self.epochs} epochs, before long_tail.from_epoch")
        if self.small_pictures.epochs >= self.epochs:
            found.append(
                f"every epoch sees pictures at {self.small_pictures.scale:g} of the size that the model is used "
                "with; see small_pictures.epochs"
            )
        if self.validation.patience is not None and self.validation.share == 0:
            found.append("nobody is held out whose figures could end training early; see validation.patience")
        late = [milestone for milestone in self.schedule.milestones if milestone >= self.epochs]
        if self.schedule.kind == "step" and late:
            found.append(
                f"the learning rate would fall at epoch {late[0]:g}, but training ends after {self.epochs}; see "
                "schedule.milestones"
            )
        return found


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
        try:
            _set(content, key.strip(), yaml.safe_load(value))
        except yaml.YAMLError as error:
            raise RecipeError(f"expected a YAML value in {setting!r}, such as 20 or [40, 70]") from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"recipe {name_or_path}: {_explain(error, content)}") from error


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
        if isinstance(place, list) and parent.isdecimal() and int(parent) < len(place):
            place = place[int(parent)]
        elif isinstance(place, dict):
            place = place.setdefault(parent, {})
        else:
            raise RecipeError(f"unknown key {key!r}: nothing stands at {parent!r}{_nearest(key, content)}")
    if isinstance(place, list) and last.isdecimal() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise RecipeError(f"unknown key {key!r}: nothing stands at {last!r}{_nearest(key, content)}")


def _explain(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first problem in one line, with the nearest key for an unknown one."""
    problem = error.errors()[0]
    unknown = problem["type"] == "extra_forbidden"
    *parents, last = problem["loc"]
    # Between the keys stand names of kinds and types that were tried, which are no keys of the recipe.
    names = {part for key in _keys(Recipe, content) for part in key.split(".")}
    place = [str(part) for part in parents if isinstance(part, int) or part in names]
    key = ".".join([*place, str(last)] if unknown or isinstance(last, int) or last in names else place)
    if unknown:
        return f"unknown key {key!r}{_nearest(key, content)}"
    message = problem["msg"].removeprefix("Value error, ")
    got = "" if problem["type"] == "value_error" else f", got {problem['input']!r}"
    return f"{key}: {message[:1].lower()}{message[1:]}{got}"


def _nearest(key: str, content: Mapping[str, Any]) -> str:
    """The end of a message about an unknown key: which one was probably meant, or which ones there are."""
    parent, _, last = key.rpartition(".")
    everywhere = {candidate: candidate.rpartition(".") for candidate in _keys(Recipe, content) if candidate != key}
    beside = {candidate: parts for candidate, parts in everywhere.items() if parts[0] == parent}
    for candidates, similarity in ((beside, 0.6), (everywhere, 0.8)):
        close = difflib.get_close_matches(last, [parts[2] for parts in candidates.values()], 1, similarity)
        for candidate, parts in candidates.items():
            if parts[2] in close:
                return f"; did you mean {candidate!r}?"
    return f"; expected one of {', '.join(beside or Recipe.model_fields)}"


def _keys(model: type[BaseModel], content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every dotted key of a recipe; those of lists by their numbers (and losses' kinds) in `content`."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _keys(annotation, content, f"{prefix}{name}.")
        if prefix == "architecture." and name == "attention":
            architecture = content.get("architecture")
            modules = architecture.get("attention") if isinstance(architecture, dict) else None
            for number in range(len(modules) if isinstance(modules, list) else 0):
                yield from _keys(AttentionSpec, content, f"architecture.attention.{number}.")
    losses = content.get("losses") if not prefix else None
    for number, loss in enumerate(losses if isinstance(losses, list) else []):
        for spec in _LOSSES:
            if isinstance(loss, dict) and loss.get("kind") in get_args(spec.model_fields["kind"].annotation):
                yield from _keys(spec, content, f"losses.{number}.")
