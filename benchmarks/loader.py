"""How fast pictures become augmented batches: 128×64 JPEGs to normalised 256×128 float batches.

Beside it, in turns in the same process, stands the pipeline of the field's usual toolkits, picture by picture with
Pillow and torch as torchvision's transforms do it: open, convert, scale, mirror, pad and crop, to a tensor,
normalise, erase, and collate. Both do the same kinds of things to the same pictures on one thread, and keep nothing
decoded. Our own default scales picture by picture too, as search does; `loading.resize: torch` scales batches.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from measure import cpu_times
from passerby.data import read_dataset
from passerby.data.loader import PictureStore
from passerby.data.transforms import Augmentation, augment, normalise
from record import record

HEIGHT, WIDTH, PAD, BATCH = 256, 128, 10, 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="128×64 JPEGs, Market-1501's layout")
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    paths = [sample.path for sample in read_dataset(arguments.data).train][: arguments.pictures]
    order = [np.arange(start, start + BATCH) for start in range(0, len(paths) - BATCH + 1, BATCH)]
    count = BATCH * len(order)

    def ours(resize: str) -> None:
        store = PictureStore(paths, HEIGHT, WIDTH, keep_decoded=False, resize=resize)
        generator = torch.Generator().manual_seed(0)
        for batch in store.batches(order):
            normalise(augment(batch, Augmentation(pad=PAD), generator), MEAN, STD)

    def toolkit() -> None:
        random.seed(0)
        for indices in order:
            torch.stack([toolkit_picture(paths[index]) for index in indices])

    times = cpu_times(
        {"batches": lambda: ours("torch"), "default": lambda: ours("pillow"), "toolkit": toolkit}, arguments.repeats
    )
    rates = {name: count / time.least for name, time in times.items()}
    for name, rate in rates.items():
        print(f"{name:10} {rate:8.0f} pictures per CPU second")
    figures = {
        "pictures": count,
        "seconds": {name: time.to_dict() for name, time in times.items()},
        "pictures_per_cpu_second": {name: round(rate, 1) for name, rate in rates.items()},
        "ratio_of_medians": round(times["toolkit"].median / times["batches"].median, 3),
    }
    ratio = rates["batches"] / rates["toolkit"]
    summary = {
        "what": "JPEG 128×64 to augmented, normalised 256×128 batches, one thread, nothing kept decoded",
        "figure": f"{rates['batches']:,.0f} pictures a CPU second with `loading.resize: torch` ({ratio:.1f} times), "
        f"{rates['default']:,.0f} by default",
        "beside": f"the usual toolkits' steps, picture by picture, in the same run: {rates['toolkit']:,.0f}",
    }
    record("loader", figures | {"summary": [summary]})


def toolkit_picture(path: Path) -> Tensor:
    """What torchvision's Resize, RandomHorizontalFlip, Pad, RandomCrop, ToTensor, Normalize, RandomErasing do."""
    picture = Image.open(path).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    padded = ImageOps.expand(picture, PAD)
    left, top = random.randint(0, 2 * PAD), random.randint(0, 2 * PAD)
    picture = padded.crop((left, top, left + WIDTH, top + HEIGHT))
    tensor = torch.from_numpy(np.array(picture, np.uint8, copy=True)).permute(2, 0, 1).contiguous().float().div(255)
    tensor.sub_(torch.tensor(MEAN).view(-1, 1, 1)).div_(torch.tensor(STD).view(-1, 1, 1))
    if random.random() < 0.5:
        area, ratio = random.uniform(0.02, 0.4) * HEIGHT * WIDTH, random.uniform(0.3, 1 / 0.3)
        tall, wide = min(HEIGHT - 1, round((area * ratio) ** 0.5)), min(WIDTH - 1, round((area / ratio) ** 0.5))
        up, start = random.randint(0, HEIGHT - tall), random.randint(0, WIDTH - wide)
        tensor[:, up : up + tall, start : start + wide] = 0
    return tensor


if __name__ == "__main__":
    main()
