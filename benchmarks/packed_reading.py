"""How fast pictures come from a folder, and from the forms that `passerby data convert` writes, in one process."""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import cpu_times
from passerby.data import read_dataset
from passerby.data.images import read_image, resize_image
from passerby.data.writing import convert
from passerby.types import Sample
from record import record

HEIGHT, WIDTH = 256, 128


def reading(samples: Sequence[Sample]) -> Callable[[], None]:
    def read() -> None:
        for sample in samples:
            resize_image(read_image(sample.path), HEIGHT, WIDTH)

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of a data set")
    parser.add_argument("--pictures", type=int, default=2000, help="of the training people")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    train = dataset.train[: arguments.pictures]
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder)
        (packed / "folder" / "bounding_box_train").mkdir(parents=True)
        for sample in train:
            shutil.copy(sample.path, packed / "folder" / "bounding_box_train")
        forms = {"folder": read_dataset(packed / "folder")}
        for name, to, size in (
            ("shards", "shards", None),
            ("shards, decoded", "shards", (HEIGHT, WIDTH)),
            ("parquet", "parquet", None),
        ):
            convert(forms["folder"], packed / name, to, size=size)
            forms[name] = read_dataset(packed / name)
        archive = shutil.make_archive(str(packed / "packed"), "zip", packed / "folder")
        forms["zip archive"] = read_dataset(archive)
        times = cpu_times({name: reading(form.train) for name, form in forms.items()}, arguments.repeats)
    rates = {name: len(train) / time.median for name, time in times.items()}
    for name, rate in rates.items():
        print(f"{name:16} {rate:10,.0f} pictures per CPU second, {rate / rates['folder']:5.2f} of a folder's")
    summary = [
        {
            "what": f"Reading pictures at {HEIGHT}×{WIDTH}: packed shards, stored decoded",
            "figure": f"{rates['shards, decoded']:,.0f} pictures per CPU second",
            "beside": f"JPEG in a folder {rates['folder']:,.0f}, in shards {rates['shards']:,.0f}, in a zip archive "
            f"{rates['zip archive']:,.0f}, in Parquet {rates['parquet']:,.0f}",
        }
    ]
    figures = {name: {"cpu_seconds": time.to_dict(), "pictures": len(train)} for name, time in times.items()}
    record("packed_reading", figures | {"summary": summary})


if __name__ == "__main__":
    main()
