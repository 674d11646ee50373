"""Grouping accuracy, the measure that log parsers are compared by, and which sets our rules were fixed on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

RULES_FIXED_ON = ("Android", "BGL", "HDFS", "Linux", "OpenSSH", "Spark", "Windows", "Zookeeper")


def grouping_accuracy(truth: Sequence[object], found: Sequence[object]) -> float:
    """Share of lines whose group holds exactly the lines of their true template; a line without a group is alone."""
    sizes = Counter(truth)
    groups: dict[object, list[object]] = defaultdict(list)
    for number, (label, group) in enumerate(zip(truth, found, strict=True)):
        groups[group if group else ("alone", number)].append(label)
    right = sum(len(rows) for rows in groups.values() if len(set(rows)) == 1 and len(rows) == sizes[rows[0]])
    return right / max(1, len(truth))
