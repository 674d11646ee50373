"""Make a list of public prompts: names and fingerprints, no words.

    python -m tests.benchmarks.public_list prompts.csv --name act --prompt prompt > pipeline/text/public_prompts.csv

The shipped list was made from prompts.csv of the repository awesome-chatgpt-prompts (CC0 1.0), revision 94deb7a of
12 February 2025.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.text.public import DIGITS, LEAST
from pipeline.text.sketches import sketch

MOST = 64  # fingerprints of a prompt: its first


def rows_of(prompts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield name and fingerprints of each of (name, prompt), sorted by name; what is too short is left out."""
    listed = sorted(prompts)
    made = sketch(pa.array([text for _, text in listed], pa.large_string()), compiled=False)
    for number, (name, _) in enumerate(listed):
        prints = made.prints[made.offsets[number] : made.offsets[number + 1]][:MOST] >> np.uint64(64 - 4 * DIGITS)
        if len(prints) >= LEAST:
            yield name, "".join(f"{int(value):0{DIGITS}x}" for value in prints)


def main() -> None:
    """Read a CSV of prompts and write the list to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts")
    parser.add_argument("--name", default="act")
    parser.add_argument("--prompt", default="prompt")
    asked = parser.parse_args()
    with Path(asked.prompts).open(encoding="utf-8", newline="") as lines:
        prompts = [(row[asked.name], row[asked.prompt]) for row in csv.DictReader(lines)]
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("name", "prints"))
    out.writerows(rows_of(prompts))


if __name__ == "__main__":
    main()
