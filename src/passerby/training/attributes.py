"""Attributes of training people as numbers: one column for each thing that can be so or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from passerby.data.dataset import Dataset
from passerby.errors import DataError
from passerby.evaluation.truth_labels import truth_labels
from passerby.types import FloatArray, Sample

_OF_PEOPLE = ("build", "hair", "upper", "upper_colour", "lower", "lower_colour", "bag")
"""What the truth of synthetic people says of the person, not of the picture."""


@dataclass(frozen=True)
class AttributeTable:
    """What each picture's person looks like.

    Attributes:
        names: Of each column, such as "hat=yes".
        values: (N, A) float32 of 0 and 1.
    """

    names: tuple[str, ...]
    values: FloatArray

    def rates(self) -> tuple[float, ...]:
        """The share of pictures whose person has each attribute."""
        return tuple(self.values.mean(0).tolist())


def attribute_table(dataset: Dataset, samples: Sequence[Sample]) -> AttributeTable:
    """Read the attributes of pictures: the data set's own, or those of drawn people's truth.

    Args:
        dataset: Market-1501 with its attributes file, or a set as `passerby synth images` draws it.
        samples: Pictures of it.

    Raises:
        DataError: There are none, or some people have none.
    """
    if dataset.attributes:
        known = _known(dataset, samples)
    else:
        try:
            labels = truth_labels(dataset.root, samples, _OF_PEOPLE)
        except DataError as error:
            raise DataError(
                f"{dataset.root}: expected attributes of people for the loss attributes, got none; use Market-1501 "
                f"with its attributes, people drawn by `passerby synth`, or leave that loss out ({error})"
            ) from error
        known = [dict(zip(labels, row, strict=True)) for row in zip(*labels.values(), strict=True)]
    return table_of(known)


def table_of(known: Sequence[Mapping[str, str]]) -> AttributeTable:
    """Make columns of words: one for each value of an attribute, one less where it has just two.

    What an entry does not say is none of the values. Columns that are alike for all are left out.

    Raises:
        DataError: Nothing is left.
    """
    names = []
    for key in sorted({key for entry in known for key in entry}):
        values = sorted({entry[key] for entry in known if key in entry})
        names += [(key, value) for value in (values[1:] if len(values) == 2 else values)]
    table = np.array([[entry.get(key) == value for key, value in names] for entry in known], np.float32)
    tells = [column for column in range(len(names)) if 0 < table[:, column].mean() < 1]
    if not tells:
        raise DataError("expected attributes in which training people differ, got none for the loss attributes")
    return AttributeTable(tuple("=".join(names[column]) for column in tells), table[:, tells])


def _known(dataset: Dataset, samples: Sequence[Sample]) -> list[dict[str, str]]:
    people = {sample.person_id for sample in samples}
    missing = sorted(people - dataset.attributes.keys())
    if missing:
        raise DataError(
            f"{dataset.root}: expected attributes of all {len(people)} training people, got none of {len(missing)}, "
            f"such as {missing[0]}; complete the attributes, or leave the loss attributes out"
        )
    return [dataset.attributes[sample.person_id] for sample in samples]
