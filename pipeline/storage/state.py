"""What is kept from run to run for speed alone: `<output>/state/`. Deleting it changes no result.

An entry is a small folder under a key that names all that it was made from: the content of files, the settings that
matter, the code. It appears whole or not at all; one that is damaged is no entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage.places import private_folder, store_errors
from pipeline.storage.runs import remove_folder

SEAL = "whole.json"
KEEP_DAYS = 7  # an entry that no run used for so long is removed


@dataclass(frozen=True)
class State:
    """Kept work below a private folder; it pickles, so that tasks can carry it. `code` stands for what makes it."""

    root: str
    code: str = ""

    def find(self, kind: str, key: str) -> str | None:
        """Folder of an entry, or None where there is no whole one."""
        place = self._place(kind, key)
        try:
            sizes = json.loads((place / SEAL).read_bytes())
            if any((place / name).stat().st_size != size for name, size in sizes.items()):
                return None
            os.utime(place / SEAL)
        except (OSError, ValueError, AttributeError):
            return None
        return str(place)

    def new(self) -> str:
        """A fresh private folder to make an entry in."""
        return tempfile.mkdtemp(dir=private_folder(private_folder(Path(self.root)) / "making"))

    def keep(self, kind: str, key: str, made: str) -> str:
        """Put a folder from `new` into its place; where there is an entry already, that one stays. Returns its path."""
        folder, place = Path(made), self._place(kind, key)
        sizes = {p.name: p.stat().st_size for p in sorted(folder.iterdir())}
        (folder / SEAL).write_text(json.dumps(sizes))
        if self.find(kind, key) is None:
            private_folder(place.parent)
            with contextlib.suppress(OSError):  # another task was faster
                remove_folder(place)
                folder.rename(place)
        remove_folder(folder)
        return str(place)

    def note(self, kind: str, key: str, value: object) -> None:
        """Keep a small plain value."""
        made = self.new()
        (Path(made) / "value.json").write_text(json.dumps(value))
        self.keep(kind, key, made)

    def noted(self, kind: str, key: str) -> object | None:
        """A small plain value, or None."""
        found = self.find(kind, key)
        return None if found is None else json.loads((Path(found) / "value.json").read_bytes())

    def _place(self, kind: str, key: str) -> Path:
        name = hashlib.sha256(f"{self.code}\0{key}".encode()).hexdigest()
        return Path(self.root) / kind / name[:2] / name

    def tidy(self) -> None:
        """Remove what no run used for days, and what runs that were killed left half made."""
        root, limit = Path(self.root), time.time() - KEEP_DAYS * 86_400
        with store_errors(root, "tidy it"):
            for place in [*root.glob("making/*"), *_old(root.glob("*/??/*"), limit)]:
                remove_folder(place)


def _old(places: Iterable[Path], limit: float) -> Iterable[Path]:
    for place in places:
        with contextlib.suppress(OSError):
            seal = place / SEAL
            if (seal if seal.exists() else place).stat().st_mtime < limit:
                yield place
