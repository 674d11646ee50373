"""`ringtrace reveal`: the accounts of an enforcement list by name again; only the key does it, and it is noted."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.pseudonyms import Pseudonyms

HELP = "turn the pseudonyms of an exported enforcement list back into account ids"
EXAMPLE = "ringtrace reveal L-1a2b3c4d.csv --output output --key-file key --to accounts.csv"
_NEEDED = ("account_id", "action", "ring_id", "run_id", "list_id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("list", metavar="LIST", help="enforcement list (CSV) exported from the workspace")
    parser.add_argument("--to", metavar="FILE", required=True, help="file for the list with account ids")
    parser.add_argument("--output", metavar="OUTPUT", required=True, help="output whose workspace notes who did this")
    parser.add_argument("--store", metavar="URL", help="the workspace's store, where it does not lie in OUTPUT/review")
    parser.add_argument(
        "--key-file", action="append", default=[], metavar="FILE",
        help="key of the pseudonyms, else RINGTRACE_PSEUDONYM_KEY (repeat for keys of before)",
    )  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Read the list, note who turns it back, write it."""
    from pipeline.pseudonyms import Pseudonyms, read_secret
    from pipeline.storage.places import store_errors, write_whole

    keys = [Pseudonyms(read_secret(file)) for file in args.key_file or [""]]
    with store_errors(args.list, "read the list"), Path(args.list).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = _named(rows, keys, args.list)
    lists = sorted({row["list_id"] for row in rows})
    _note(args, lists, len(named))
    content = _content(rows, named)
    with store_errors(args.to, "write it"):
        write_whole(Path(args.to), content, mode=0o600)
    print(f"{len(named)} accounts of {', '.join(lists)} in {args.to}; the audit log says so.", file=sys.stderr)
    return 0


def _named(rows: Sequence[dict[str, str]], keys: Sequence[Pseudonyms], shown: str) -> list[str]:
    """The account of each row. UsageError where this is no enforcement list, or not one of these keys."""
    from pipeline.errors import Place, UsageError

    if not rows or any(column not in rows[0] for column in _NEEDED) or not all(row["list_id"] for row in rows):
        raise UsageError(
            "this is no enforcement list", place=Place(shown), expected=f"a CSV with {', '.join(_NEEDED)}",
            mend="Export the list from the workspace; nothing else is turned back.",
        )  # fmt: skip
    named = [next((n for key in keys if (n := key.reveal(row["account_id"])) is not None), None) for row in rows]
    strange = sum(name is None for name in named)
    if strange:
        raise UsageError(
            "some accounts are no pseudonyms of this key", place=Place(shown, "account_id"),
            found=f"{strange} of {len(rows)} rows", mend="Give the key of that run; --key-file may be repeated.",
        )  # fmt: skip
    return [name for name in named if name is not None]


def _note(args: argparse.Namespace, lists: Sequence[str], n: int) -> None:
    """One audit row a list, written before anything is turned back. UsageError without the workspace."""
    from pipeline.errors import UsageError

    try:
        from pipeline.review.access import Person
        from pipeline.review.config import ReviewConfig, home_of, load_secret
        from pipeline.review.desk import Desk
    except ImportError:
        raise UsageError("the workspace is not installed", mend="Install ringtrace[review].") from None
    home = home_of(args.output)
    store = args.store or f"sqlite:///{home / 'store.sqlite'}"
    desk = Desk(ReviewConfig(args.output, store, load_secret(home / "secret")))
    try:
        who = os.environ.get("USER") or f"uid {os.getuid()}"
        for name in lists:
            desk.audit.note(Person(who, who, "command line"), "turned back list", name, f"{n} accounts in all")
    finally:
        desk.close()


def _content(rows: Sequence[dict[str, str]], named: Sequence[str]) -> bytes:
    import pandas as pd

    from pipeline.exports.safe_csv import csv_bytes

    return csv_bytes(pd.DataFrame(rows).assign(account_id=list(named)))
