from pathlib import Path

import pytest
import yaml

from passerby.errors import RecipeError
from passerby.losses.spec import Supervision
from passerby.losses.triplet import TripletSpec
from passerby.models.network import ReidNetwork
from passerby.training.objective import Objective
from passerby.training.recipe import Recipe, load_recipe, recipe_names, to_yaml

NAMES = ["baseline-resnet50", "osnet-x0-25", "osnet-x1-0", "small-resnet18", "trihard-resnet50"]


def test_the_promised_recipes_are_there() -> None:
    assert set(NAMES) <= set(recipe_names())
    for name in recipe_names():
        assert load_recipe(name).name == name


def test_what_the_recipes_promise() -> None:
    assert load_recipe("baseline-resnet50").architecture.backbone == "resnet50"
    assert load_recipe("trihard-resnet50").epochs == 150
    assert load_recipe("small-resnet18").architecture.width == 0.5
    assert load_recipe("osnet-x1-0").architecture.backbone == "osnet_x1_0"
    assert load_recipe("osnet-x0-25").architecture.backbone == "osnet_x0_25"


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50", "resnet101", "osnet_x0_25", "osnet_x1_0"])
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_takes_every_backbone(name: str, backbone: str) -> None:
    stride = ["architecture.last_stride=1"]
    recipe = load_recipe(name, [f"architecture.backbone={backbone}", "architecture.width=0.06", *stride])
    network = ReidNetwork(recipe.architecture)
    assert Objective(recipe.losses, network, Supervision(5)).names


def test_a_printed_recipe_is_the_same_recipe(tmp_path: Path) -> None:
    for name in NAMES:
        recipe = load_recipe(name, ["seed=7"])
        (tmp_path / "printed.yaml").write_text(to_yaml(recipe), encoding="utf-8")
        assert load_recipe(tmp_path / "printed.yaml") == recipe


def test_settings_change_single_values(recipe_file: Path) -> None:
    recipe = load_recipe(
        recipe_file,
        [
            "epochs=20",
            "optimizer.learning_rate=1e-3",
            "losses.1.margin=soft",
            "schedule.milestones=[40, 70]",
            "schedule.kind=step",
            " augmentation.flip =0",
            "name=mine",
        ],
    )
    assert (recipe.epochs, recipe.optimizer.learning_rate, recipe.name) == (20, 1e-3, "mine")
    assert isinstance(recipe.losses[1], TripletSpec)
    assert recipe.losses[1].margin == "soft"
    assert (recipe.schedule.milestones, recipe.augmentation.flip) == ((40, 70), 0)
    assert recipe.preprocessing.height == 64
    assert load_recipe(recipe_file).epochs == 3


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("epoch=3", r"unknown key 'epoch'; did you mean 'epochs'\?"),
        ("Epochs=3", r"unknown key 'Epochs'; did you mean 'epochs'\?"),
        ("optimiser.learning_rate=1", r"unknown key 'optimiser'; did you mean 'optimizer'\?"),
        ("optimizer.learning_rat=1", r"'optimizer.learning_rat'; did you mean 'optimizer.learning_rate'\?"),
        ("learning_rate=1", r"unknown key 'learning_rate'; did you mean 'optimizer.learning_rate'\?"),
        ("optimizer.lr=1", "unknown key 'optimizer.lr'; expected one of optimizer.kind, optimizer.learning_rate"),
        ("losses.1.margn=2", r"unknown key 'losses.1.margn'; did you mean 'losses.1.margin'\?"),
        ("losses.0.margin=2", r"unknown key 'losses.0.margin'; did you mean 'losses.1.margin'\?"),
        ("losses.7.margin=2", "unknown key 'losses.7.margin': nothing stands at '7'"),
        ("losses.².margin=2", "nothing stands at '²'"),
        ("epochs.x=1", "unknown key 'epochs.x': nothing stands at 'x'"),
        ("=5", "unknown key ''"),
        ("zzz=5", "unknown key 'zzz'; expected one of name, summary, paper, epochs"),
        ("epochs", "expected a setting as key=value, such as epochs=20, got 'epochs'"),
        ("epochs=many", "epochs: input should be a valid integer.*got 'many'"),
        ("epochs=0", "epochs: input should be greater than or equal to 1, got 0"),
        ("epochs=", "epochs: input should be a valid integer, got None"),
        ("epochs=[1", r"expected a YAML value in 'epochs=\[1'"),
        ("epochs=1.5", "epochs: input should be a valid integer"),
        ("losses.1.margin=hard", "losses.1.margin: input should be a valid number.*got 'hard'"),
        ("losses.1.kind=arcface", "losses.1: .*'arcface'.* any of the expected tags: 'cross_entropy', 'focal'"),
        ("losses=[]", "losses: tuple should have at least 1 item"),
        ("losses=[{kind: triplet, from_epoch: 2}]", "losses: expected a loss that counts from epoch 0, got none"),
        ("architecture.backbone=resnet51", "architecture.backbone: expected one of resnet18.*got 'resnet51'"),
        ("batch.people=1", "batch.people: input should be greater than or equal to 2, got 1"),
        ("precision=fp16", "precision: input should be 'auto', 'fp32' or 'bf16', got 'fp16'"),
        ("seed=-1", "seed: input should be greater than or equal to 0"),
        ("seed=9223372036854775808", "seed: input should be less than"),
        ("validation.share=1", "validation.share: input should be less than 1"),
        ("augmentation.erase_area=[0.5, 0.1]", "erase_area: expected the smallest and the largest share"),
    ],
)
def test_wrong_settings_are_explained_in_one_line(recipe_file: Path, setting: str, reason: str) -> None:
    with pytest.raises(RecipeError, match=reason) as raised:
        load_recipe(recipe_file, [setting])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "expected keys and values, got NoneType"),
        ("- a\n- b", "expected keys and values, got list"),
        ("epochs: [", "expected YAML: .*line 1"),
        ("name: x", r"recipe .*: summary: field required"),
        ("1: 2", "keys should be strings|unknown key|field required"),
        ("\x00", "expected YAML"),
    ],
)
def test_files_that_are_no_recipes_are_explained_in_one_line(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(RecipeError, match=reason) as raised:
        load_recipe(tmp_path / "mine.yaml")
    assert "\n" not in str(raised.value)


def test_binary_files_and_folders_are_no_recipes(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(RecipeError, match="got something unreadable"):
        load_recipe(tmp_path / "mine.yaml")
    with pytest.raises(RecipeError, match="expected a YAML file or one of the recipes"):
        load_recipe(tmp_path)


def test_the_nearest_recipe_is_named() -> None:
    with pytest.raises(RecipeError, match=r"got 'small-resnet'; did you mean small-resnet18\?"):
        load_recipe("small-resnet")
    with pytest.raises(RecipeError, match=r"one of the recipes abd-resnet50, .*, got 'x'; `passerby recipes`"):
        load_recipe("x")


def test_unknown_keys_of_a_file_are_refused_at_every_depth(recipe_file: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(recipe_file.read_text())
    for place in (content, *(content[key] for key in ("architecture", "batch", "optimizer")), content["losses"][0]):
        place["qqqqqq"] = 1
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
        with pytest.raises(RecipeError, match=r"unknown key '.*qqqqqq'; expected one of"):
            load_recipe(tmp_path / "mine.yaml")
        del place["qqqqqq"]
    assert Recipe.model_validate(content) == load_recipe(recipe_file)
