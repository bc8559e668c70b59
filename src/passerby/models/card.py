"""Model cards: where a model comes from, and what it must not be used for."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NOT_FOR = (
    "deciding about a person by itself: a match is a lead for a human, never proof of identity",
    "watching or tracking people without a lawful basis, their knowledge where the law asks for it, and oversight",
    "recognising faces, or inferring ethnicity, gender, health, belief or emotion",
    "places, cameras and people unlike those it was measured on, before it has been measured there",
)
"""Uses that no re-ID model of ours is fit for."""


class ModelCard(BaseModel):
    """What a user has to know before relying on a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="What the model is called.")
    summary: str = Field(description="One sentence: what it is.")
    trained_on: str = Field(description="Which pictures, how many, of how many people.")
    licence: str = Field(description="Terms of the weights, or that they are unknown.")
    not_for: tuple[str, ...] = Field(NOT_FOR, description="What it must not be used for.")
    intended_for: tuple[str, ...] = Field((), description="What it is made for.")
    limits: tuple[str, ...] = Field((), description="What it is known to do badly, with figures where measured.")
    provenance: dict[str, Any] | None = Field(
        None, description="How the training pictures were made, where a generator drew them: its name, version, seed."
    )
    hardware: str | None = Field(None, description="On what, and for how long, it was trained.")
    data_fingerprint: str | None = Field(None, description="Hash of the training pictures' names and labels.")
    training_pictures: str = Field(
        "", pattern="^([0-9a-f]{12})*$", description="Hashes of the training pictures' names, 12 digits each."
    )
    recipe: dict[str, Any] | None = Field(None, description="The complete recipe that it was trained with.")
    dropped_weights: tuple[str, ...] = Field((), description="Published weights that the import left out, and why.")
    passerby_version: str = Field(description="The version that wrote the bundle.")

    def training_keys(self) -> frozenset[str]:
        """The hashes of `training_pictures` one by one, as `passerby.data.dataset.picture_keys` makes them."""
        hashes = self.training_pictures
        return frozenset(hashes[start : start + 12] for start in range(0, len(hashes), 12))

    def caution(self) -> str:
        """What the model must not be used for, as one sentence."""
        return f"This model must not be used for {'; '.join(self.not_for)}."
