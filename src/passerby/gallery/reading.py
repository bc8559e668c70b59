"""Sightings read whole: with picture and embedding, opened, and as the role is shown them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from passerby.gallery.guard import Guard
from passerby.gallery.record import Record
from passerby.types import Sighting


def completed(
    record: Record, guard: Guard, sightings: Sequence[Sighting], *, with_crops: bool = True
) -> Iterator[Sighting]:
    """Sightings of the record with what is stored of them, as far as the role is shown it.

    Args:
        record: Where they are.
        guard: Opens and shows.
        sightings: As the record lists them.
        with_crops: Whether pictures are wanted.
    """
    model = record.model()
    numbers = [sighting.sequence for sighting in sightings]
    crops = record.crops(numbers) if with_crops else {}
    embeddings = record.embeddings(numbers, model) if model else {}
    for sighting in sightings:
        crop, lies = crops.get(sighting.sequence), embeddings.get(sighting.sequence)
        if crop is not None:
            sighting = replace(sighting, crop=guard.open_crop(sighting.id, crop))
        if lies is not None and model is not None:
            concealed = guard.open_embedding(sighting.id, *lies)
            sighting = replace(sighting, embedding=guard.reveal(concealed[None])[0], model=model.identity)
        yield guard.show(sighting)
