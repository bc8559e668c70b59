"""Weights that their authors published for ImageNet, by name: fetched once, checked, and kept for the next time."""

import hashlib
import re
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

from passerby.atomic import atomic_path
from passerby.errors import BundleError, MachineError
from passerby.types import Progress

_TORCHVISION = "https://download.pytorch.org/models"
_IBN_NET = "https://github.com/XingangPan/IBN-Net/releases/download/v1.0"
_DEIT = "https://dl.fbaipublicfiles.com/deit"

PUBLISHED: dict[str, str] = {
    "resnet18-imagenet": f"{_TORCHVISION}/resnet18-f37072fd.pth",
    "resnet34-imagenet": f"{_TORCHVISION}/resnet34-b627a593.pth",
    "resnet50-imagenet": f"{_TORCHVISION}/resnet50-0676ba61.pth",
    "resnet101-imagenet": f"{_TORCHVISION}/resnet101-63fe2227.pth",
    "resnet18_ibn_a-imagenet": f"{_IBN_NET}/resnet18_ibn_a-2f571257.pth",
    "resnet34_ibn_a-imagenet": f"{_IBN_NET}/resnet34_ibn_a-94bc1577.pth",
    "resnet50_ibn_a-imagenet": f"{_IBN_NET}/resnet50_ibn_a-d9d0bb7b.pth",
    "resnet101_ibn_a-imagenet": f"{_IBN_NET}/resnet101_ibn_a-59ea0ac6.pth",
    "resnet18_ibn_b-imagenet": f"{_IBN_NET}/resnet18_ibn_b-bc2f3c11.pth",
    "resnet34_ibn_b-imagenet": f"{_IBN_NET}/resnet34_ibn_b-04134c37.pth",
    "resnet50_ibn_b-imagenet": f"{_IBN_NET}/resnet50_ibn_b-9ca61e85.pth",
    "resnet101_ibn_b-imagenet": f"{_IBN_NET}/resnet101_ibn_b-c55f6dba.pth",
    "mobilenetv2-imagenet": f"{_TORCHVISION}/mobilenet_v2-b0353104.pth",
    "mobilenetv3_small-imagenet": f"{_TORCHVISION}/mobilenet_v3_small-047dcff4.pth",
    "mobilenetv3_large-imagenet": f"{_TORCHVISION}/mobilenet_v3_large-8738ca79.pth",
    "vit_small-imagenet": f"{_DEIT}/deit_small_patch16_224-cd65a155.pth",
    "vit_base-imagenet": f"{_DEIT}/deit_base_patch16_224-b5f2ef4d.pth",
}
"""Where each is published, by the name of its backbone. A file's name ends in the beginning of its SHA-256."""

_CHUNK, _LARGEST, _SECONDS = 1 << 20, 2 << 30, 30.0


def cache_folder() -> Path:
    """Where fetched weights are kept: `passerby/weights` in the system's folder for users' caches."""
    return user_cache_path("passerby") / "weights"


def weights_file(name_or_path: Path, progress: Progress | None = None) -> Path:
    """The path itself where something is there, else the published weights of that name, fetched if need be.

    What is neither stays as it is: whoever opens it says what is missing.

    Args:
        name_or_path: A path, or one of `PUBLISHED`.
        progress: Told how many bytes are fetched, of how many.

    Raises:
        MachineError: There is no network, or the server does not answer with the file.
        BundleError: What was fetched is not what was published.
    """
    url = PUBLISHED.get(str(name_or_path))
    if url is None or name_or_path.exists():
        return name_or_path
    file = cache_folder() / url.rpartition("/")[2]
    if not (file.is_file() and _sha256(file).startswith(_expected(file.name))):
        _fetch(str(name_or_path), url, file, progress)
    return file


def _fetch(name: str, url: str, file: Path, progress: Progress | None) -> None:
    """Fetch into the file, whole and as published or not at all."""
    with atomic_path(file) as aside:
        try:
            with urllib.request.urlopen(url, timeout=_SECONDS) as answer, aside.open("wb") as written:
                size = _copy(answer, written, int(answer.headers.get("Content-Length") or 0), progress)
        except (OSError, HTTPException, ValueError) as error:
            reason = " ".join(str(getattr(error, "reason", None) or error).split()) or type(error).__name__
            raise MachineError(
                f"{name}: expected to fetch {url}, got no file ({reason}); where there is no network, fetch it "
                "elsewhere and give its path in place of the name"
            ) from error
        found, expected = _sha256(aside), _expected(file.name)
        if not found.startswith(expected):
            raise BundleError(
                f"{name}: expected a file whose SHA-256 begins with {expected} from {url}, got {size} bytes with "
                f"{found[:8]}…: it was cut or changed on its way; try again, or give a file's path"
            )


def _copy(answer: BinaryIO, written: BinaryIO, total: int, progress: Progress | None) -> int:
    done = 0
    while chunk := answer.read(_CHUNK):
        done += len(chunk)
        if done > _LARGEST:
            raise ValueError(f"more than {_LARGEST >> 30} GiB")
        written.write(chunk)
        if progress is not None:
            progress(done, max(done, total))
    return done


def _expected(name: str) -> str:
    found = re.search(r"-([0-9a-f]{8,64})\.pth$", name)
    assert found is not None, name
    return found[1]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
