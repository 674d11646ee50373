"""Bill of materials and licences of everything that requirements.lock names.

`python -m tests.support.supply bill FILE` writes a CycloneDX 1.6 document; the same lock, the same bytes.
`python -m tests.support.supply licences` ends with 1 where a package is under a licence that does not go with ours.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
OURS = "GPL-3.0-or-later"
# licences whose works may be part of one that is distributed under ours
FIT = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "GPL-2.0-or-later",
    "GPL-3.0-only", "GPL-3.0-or-later", "HPND", "ISC", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later",
    "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
})  # fmt: skip
# words of older metadata and what they are called today
CALLED = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD-3-Clause", "MIT License": "MIT", "BSD": "BSD-3-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC", "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License (GPL)": "GPL-2.0-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
}  # fmt: skip
_NOT_SAID = frozenset({"DFSG approved", "OSI Approved"})
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Package:
    """A locked package: name, version, for which machines, digests of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL."""
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def locked(text: str) -> list[Package]:
    """The packages of a lock file, in its order."""
    made: list[Package] = []
    for line in text.splitlines():
        pin = _PIN.match(line)
        if pin:
            made.append(Package(pin[1], pin[2], (pin[3] or "").strip(), ()))
        elif made and (found := _HASH.search(line)):
            last = made.pop()
            made.append(Package(last.name, last.version, last.marker, (*last.hashes, found[1])))
    return made


def licence_of(name: str) -> str | None:
    """Licence of an installed package as an SPDX expression, or None where it is not installed or says none."""
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if expression := said.get("License-Expression"):
        return str(expression)
    classes = [c.rsplit(" :: ", 1)[1] for c in said.get_all("Classifier", []) if c.startswith("License ::")]
    known = sorted({CALLED.get(c, c) for c in classes} - _NOT_SAID)
    if known:
        return " OR ".join(known)
    words = (said.get("License") or "").strip().splitlines()
    return CALLED.get(words[0], words[0]) if words else None


def fits(expression: str) -> bool:
    """Whether an SPDX expression goes with ours: of terms joined by OR one, of those joined by AND all."""
    choices = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(all(_term(t) in FIT for t in re.split(r"\s+AND\s+", c)) for c in choices)


def _term(words: str) -> str:
    """A licence without its exception: exceptions only permit more."""
    return words.split(" WITH ")[0].strip()


def unfit() -> Iterator[str]:
    """Packages installed here whose licence does not go with ours, or is not said."""
    for package in locked(LOCK.read_text()):
        try:
            importlib.metadata.distribution(package.name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another machine
        licence = licence_of(package.name)
        if licence is None or not fits(licence):
            yield f"{package.name} {package.version}: {licence or 'says no licence'}"


def bill() -> dict[str, Any]:
    """The bill of materials as CycloneDX 1.6."""
    text = LOCK.read_text()
    number = uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4)
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{number}", "version": 1,
        "metadata": {"component": {
            "type": "application", "bom-ref": "ringtrace", "name": "ringtrace", "licenses": [{"license": {"id": OURS}}],
        }},
        "components": [_component(p) for p in locked(text)],
    }  # fmt: skip


def _component(package: Package) -> dict[str, Any]:
    licence = licence_of(package.name)
    said: dict[str, Any] = {
        "type": "library", "bom-ref": package.purl + (f"#{package.marker}" if package.marker else ""),
        "name": package.name, "version": package.version, "purl": package.purl,
        "properties": [{"name": "ringtrace:sha256", "value": h} for h in package.hashes],
    }  # fmt: skip
    if package.marker:
        said["properties"].append({"name": "ringtrace:marker", "value": package.marker})
    if licence:
        said["licenses"] = [{"expression": licence}]
    return said


def core() -> list[str]:
    """Names of the packages that ringtrace needs without any extra, itself left out, sorted."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = ["ringtrace"]
    while waiting:
        needs = importlib.metadata.requires(waiting.pop()) or []
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                name = re.sub(r"[-_.]+", "-", need.name).lower()
                if name not in found:
                    found.add(name)
                    waiting.append(name)
    return sorted(found)


def megabytes(name: str) -> float:
    """What an installed package takes on the disk."""
    files = importlib.metadata.files(name) or []
    return sum(p.stat().st_size for p in (Path(str(f.locate())) for f in files) if p.is_file()) / 1e6


def main(words: list[str]) -> int:
    """Write the bill, or check the licences."""
    if words[:1] == ["bill"] and len(words) == 2:
        Path(words[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(words[1]).write_text(json.dumps(bill(), indent=1, sort_keys=True) + "\n")
        print(f"{len(bill()['components'])} packages in {words[1]}")
        return 0
    wrong = list(unfit())
    print("\n".join(wrong) if wrong else "Every package is under a licence that goes with ours.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
