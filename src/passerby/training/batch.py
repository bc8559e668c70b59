"""What stands in a training batch, as a recipe says it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Batch(BaseModel):
    """PK batches: so many people, so many pictures of each; or pairs for Siamese networks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampler: Literal["people", "cameras", "hard_people", "pairs"] = Field(
        "people",
        description="PK; PK by each person's cameras in turn; PK of people alike; or anchors with pairs.",
    )
    people: int = Field(16, ge=2, description="P; at most as many as the data has.")
    pictures: int = Field(4, ge=1, description="K.")
    in_a_row: int = Field(
        1, ge=1, description="People with consecutive ids who share a batch, such as synthetic look-alikes."
    )
    together: int = Field(4, ge=1, description="Of hard_people: how many people alike are drawn together.")
    positives: int = Field(2, ge=1, description="Of pairs: pictures of the same person beside each anchor.")
    negatives: int = Field(2, ge=1, description="Of pairs: pictures of others beside each anchor.")

    @property
    def pictures_per_person(self) -> int:
        """Pictures that stand in a batch for each of its people."""
        return 1 + self.positives + self.negatives if self.sampler == "pairs" else self.pictures

    @model_validator(mode="after")
    def _rows_fit(self) -> "Batch":
        if self.in_a_row > self.people:
            raise ValueError(f"expected in_a_row up to people ({self.people}), got {self.in_a_row}")
        if self.in_a_row > 1 and self.sampler != "people":
            raise ValueError(f"expected the sampler people with in_a_row, got {self.sampler}")
        return self
