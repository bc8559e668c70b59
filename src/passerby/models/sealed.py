"""JSON files that say whose they are and cannot be changed unnoticed: what stands beside a model's weights."""

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from passerby.atomic import json_text, write_json
from passerby.errors import BundleError

Content = TypeVar("Content")


def content_hash(content: Any) -> str:  # noqa: ANN401
    """SHA-256 of what JSON can hold, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def write_sealed(path: Path, identity: str, content: Any, compact: bool = False) -> None:  # noqa: ANN401
    """Write content, indented or in one line, with its own hash and the identity of the model it speaks of."""
    write_json(path, {"model": identity, "sha256": content_hash(content), "content": content}, compact)


def read_sealed(path: Path, identity: str) -> Any | None:  # noqa: ANN401
    """The content of a sealed file, or None where there is no such file."""
    if not path.exists():
        return None
    sealed = validated(_Sealed, read_json(path), path)
    if sealed.model != identity:
        raise BundleError(f"{path}: it speaks of model {sealed.model[:12]}…, not of {identity[:12]}…; remove it")
    if sealed.sha256 != content_hash(sealed.content):
        raise BundleError(f"{path}: its content does not match its hash; get the bundle again or remove it")
    return sealed.content


class _Sealed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    sha256: str
    content: Any


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The content of a JSON file that `write_json` wrote and nobody has touched since."""
    try:
        found = path.read_bytes()
        content = json.loads(found)
    except OSError as error:
        raise BundleError(f"{path}: it cannot be read ({str(error.strerror).lower()})") from error
    except ValueError as error:
        raise BundleError(f"{path}: it is damaged ({error}); get the bundle again") from error
    if found not in (json_text(content).encode(), json_text(content, compact=True).encode()):
        raise BundleError(f"{path}: it was changed since it was written; get the bundle again")
    return content


def validated(kind: type[Content], content: Any, path: Path) -> Content:  # noqa: ANN401
    """The content of a file as what it should be.

    Raises:
        BundleError: It is something else.
    """
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        problem = error.errors()[0]
        what = f"{'.'.join(map(str, problem['loc']))} {problem['msg']}".strip().lower()
        raise BundleError(f"{path}: it is damaged ({what}); get the bundle again") from error
