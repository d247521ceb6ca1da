"""Keeps the world's state as JSON files in a folder, or, without a folder, nowhere."""

import tempfile
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

Kept = TypeVar("Kept", bound=BaseModel)


class Keep:
    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def save(self, name: str, what: BaseModel) -> None:
        """Replace the file of *name* as a whole: a reader, or a crash, never sees half of it."""
        if self._folder is None:
            return
        path = self._folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, delete=False, encoding="utf-8"
        ) as half:
            half.write(what.model_dump_json(indent=1))
        Path(half.name).replace(path)

    def load(self, name: str, kind: type[Kept]) -> Kept | None:
        path = self._folder / f"{name}.json" if self._folder else None
        if path is None or not path.is_file():
            return None
        return kind.model_validate_json(path.read_bytes())
