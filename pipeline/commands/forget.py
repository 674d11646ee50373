"""`ringtrace forget`: no run, no kept work and no record of the workspace tells of some accounts any more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.privacy import Forgotten, Wish

HELP = "forget accounts, or all before a day, in every run and in the workspace's store"
EXAMPLE = "ringtrace forget output --account acct_7f3k2m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("output", metavar="OUTPUT", help="folder (or fsspec URI) with finished runs")
    parser.add_argument("--account", action="append", default=[], metavar="ID", help="account to forget (repeatable)")
    parser.add_argument("--accounts", metavar="FILE", help="text file with one account a line")
    parser.add_argument(
        "--key-file", action="append", default=[], metavar="FILE",
        help="key of the pseudonyms that stand for the accounts in these runs (repeat for keys of before)",
    )  # fmt: skip
    parser.add_argument("--before", metavar="DAY", help="forget what happened before this day, UTC")
    parser.add_argument("--store", metavar="URL", help="the workspace's store, where it does not lie in OUTPUT/review")
    parser.add_argument("--json", action="store_true", help="machine-readable result on standard output")


def main(args: argparse.Namespace) -> int:
    """Forget, and say what was done."""
    from pipeline.privacy import forget
    from pipeline.review.config import home_of, load_secret

    wish = _wish(args)
    home = home_of(args.output)
    secret = load_secret(home / "secret")
    store = args.store or (f"sqlite:///{home / 'store.sqlite'}" if (home / "store.sqlite").exists() else None)

    def erase(wish: Wish) -> Mapping[str, int]:
        return _erase(store, secret, wish) if store else {}

    done = forget(args.output, wish, secret=secret, erase=erase, say=lambda line: print(line, file=sys.stderr))
    if args.json:
        print(json.dumps({"successors": done.successors, "removed": done.removed, "store": dict(done.store)}))
    else:
        print("\n".join(_told(done, store)))
    return 0


def _wish(args: argparse.Namespace) -> Wish:
    """What the arguments ask for. Raises UsageError."""
    from pipeline.errors import UsageError, quoted
    from pipeline.period import instant
    from pipeline.privacy import Wish
    from pipeline.pseudonyms import Pseudonyms, read_secret
    from pipeline.storage import folder, store_errors

    accounts = set(args.account)
    if args.accounts:
        with store_errors(args.accounts, "read the accounts"):
            accounts |= {line.strip() for line in Path(args.accounts).read_text("utf-8").splitlines()}
    accounts.discard("")
    keys = [Pseudonyms(read_secret(file)) for file in args.key_file]
    accounts |= {key.account(name) for key in keys for name in accounts}
    before = instant(args.before, what="--before") if args.before else None
    if before is not None and (before.hour, before.minute, before.second, before.microsecond) != (0, 0, 0, 0):
        raise UsageError("--before takes a whole day", found=quoted(args.before), expected="a day such as 2026-05-01")
    if not accounts and before is None:
        raise UsageError(
            "nothing to forget", expected="--account ID, --accounts FILE or --before DAY", mend="Name what to forget."
        )
    if not folder(args.output).exists():
        raise UsageError(
            "there is no such output", found=quoted(args.output), mend="Name what `ringtrace run --output` wrote to."
        )
    return Wish(frozenset(accounts), before)


def _erase(store: str, secret: bytes, wish: Wish) -> Mapping[str, int]:
    from pipeline.errors import UsageError
    from pipeline.privacy.search import Sought
    from pipeline.privacy.wish import stand_in

    try:
        from pipeline.review.erase import Erasure, erase
    except ImportError:
        raise UsageError(
            "there is a workspace's store, and the workspace is not installed", mend="Install ringtrace[review]."
        ) from None
    sought = Sought.of(wish.accounts)
    erasure = Erasure(
        wish.accounts, wish.before, lambda a: stand_in(a, secret), lambda text: sought.replaced(text, "(forgotten)")
    )
    return erase(store, secret, erasure)


def _told(done: Forgotten, store: str | None) -> list[str]:
    """What was done, for people."""
    lines = [f"{old} became {new}: searched, nothing is left in it." for old, new in sorted(done.successors.items())]
    lines += [f"{run} was removed: it ends before that day." for run in done.removed]
    lines += [f"{done.unfinished} unfinished runs were removed."] if done.unfinished else []
    if store:
        lines.append("In the workspace's store: " + ", ".join(f"{n} {what}" for what, n in done.store.items()) + ".")
    lines = lines or ["No run told of it."]
    return [*lines, "The input is yours to cleanse: what still stands there comes back with the next run."]
