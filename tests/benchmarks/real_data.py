"""What the line flags in logs that nobody here made: `RINGTRACE_DATA=FOLDER python -m tests.benchmarks.real_data`.

The folder holds `coortweet/` (accounts that share links and posts, sample data of the package CooRTweet; no truth) and
`ip_intel/` (published lists of data centres' and VPN providers' ranges). Shared links stand in for templates: there are
no addresses, cards or prompts, so nothing but text and time can tie accounts. How much is flagged is stated, and how
much of it is what the package's own rule calls coordinated (the same object within ten seconds, twice or more).
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pipeline.link_types import LinkType
from pipeline.run import Request, carry_out
from pipeline.settings import ExportsSettings, RunSettings, Settings, WindowSettings
from pipeline.storage import open_run
from tests.benchmarks.detection.cells import accused
from tests.benchmarks.digest import PAGES, front_matter

RULES = Settings(
    exports=ExportsSettings(make=False), run=RunSettings(workers=1, scheduler="sync"), window=WindowSettings(days=400)
)
FAST = 10.0  # seconds
_KINDS = {"datacenter": "hosting", "vpn": "vpn", "vpn_provider": "vpn"}
_MORE = ("hashtag_id", "domain_id", "phash_id")


@dataclass(frozen=True)
class Log:
    """A log in our columns: timestamp, account_id, ip, template_id and declared link types' columns."""

    name: str
    says: str
    events: pd.DataFrame
    declared: tuple[LinkType, ...] = ()


def logs(folder: Path) -> list[Log]:
    """The logs of a folder."""
    russian = pd.read_parquet(folder / "coortweet" / "russian_coord_tweets.parquet")
    german = pd.read_parquet(folder / "coortweet" / "german_elections.parquet")
    posts = _events(russian["timestamp_share"], russian["account_id"], russian["object_id"])
    links = _events(german["timestamp"], german["account_id"], german["url_id"])
    more = {name: _text(german[name]) for name in _MORE}
    declared = tuple(LinkType(name, "events", name, "content", slot=4 + i) for i, name in enumerate(_MORE))
    return [
        Log("reposts", "reposts of 7,285 posts, January to August 2021", posts),
        Log("links", "links shared before an election, September 2021", links),
        Log(
            "links and more", "the same with hashtags, domains and images as declared link types",
            links.assign(**more), declared,
        ),
    ]  # fmt: skip


def _text(column: pd.Series) -> pd.Series:
    """Numbers as names, nothing as nothing."""
    if not pd.api.types.is_float_dtype(column):
        return column.astype("str")
    return column.astype("Int64").astype("string").astype("object").where(column.notna(), None)


def _events(seconds: pd.Series, account: pd.Series, shared: pd.Series) -> pd.DataFrame:
    events = pd.DataFrame({
        "timestamp": pd.to_datetime(seconds, unit="s", utc=True).astype("datetime64[us, UTC]"),
        "account_id": account.astype("str"), "ip": pd.Series([None] * len(account), dtype="object"),
        "template_id": _text(shared),
    })  # fmt: skip
    return events.sort_values(["timestamp", "account_id"], ignore_index=True)


def fast_pairs(events: pd.DataFrame, *, within: float = FAST, times: int = 2) -> set[str]:
    """Accounts of pairs that shared the same object within so many seconds, for `times` objects or more."""
    rows = events.dropna(subset=["template_id"]).sort_values(["template_id", "timestamp", "account_id"])
    at = rows["timestamp"].astype("int64").to_numpy() / 1e6
    what, who = rows["template_id"].to_numpy(object), rows["account_id"].to_numpy(object)
    seen: dict[tuple[str, str], set[str]] = {}
    for i in range(len(rows)):
        j = i + 1
        while j < len(rows) and what[j] == what[i] and at[j] - at[i] <= within:
            if who[i] != who[j]:
                seen.setdefault((min(who[i], who[j]), max(who[i], who[j])), set()).add(what[i])
            j += 1
    return {account for pair, objects in seen.items() if len(objects) >= times for account in pair}


def ranges(folder: Path) -> pd.DataFrame:
    """The published ranges as our table; one row a range, the first kind in the order of names."""
    table = pd.read_parquet(folder / "ip_intel" / "x4bnet_cidrs.parquet")
    table = table.assign(kind=table["kind"].map(_KINDS), organization=table["provider"])
    return table.sort_values(["cidr", "kind"]).drop_duplicates("cidr")[["cidr", "organization", "kind"]]


def through(log: Log, address_ranges: pd.DataFrame, to: Path) -> dict[str, int]:
    """Carry a log through the line; counts of what went in and what is flagged."""
    source = to / log.name.replace(" ", "-")
    source.mkdir(parents=True, exist_ok=True)
    log.events.to_parquet(source / "events.parquet", index=False)
    address_ranges.to_parquet(source / "ip_ranges.parquet", index=False)
    settings = replace(RULES, link_types=log.declared)
    done = carry_out(Request(str(source), str(to / "output"), settings, previous="none"))
    run = open_run(done.place)
    tables = {name: pd.read_parquet(Path(done.place) / f"{name}.parquet") for name in ("rings", "members")}
    hit, fast = set(accused(tables)["account_id"]), fast_pairs(log.events)
    counts = run.manifest["stages"]["intake"]["counts"]
    return {
        "events": len(log.events), "accounts": log.events["account_id"].nunique(),
        "refused": sum(int(c.get("rejected", 0)) for c in counts.values()),
        "reported": len(tables["rings"]), "flagged": int(tables["rings"]["flagged"].sum()), "accused": len(hit),
        "fast": len(fast), "both": len(hit & fast),
    }  # fmt: skip


def page(found: dict[str, dict[str, int]], says: dict[str, str], n_ranges: int) -> str:
    """The page of docs/benchmarks."""
    lines = [
        front_matter("settings", "model"), "# Logs that nobody here made", "",
        "`RINGTRACE_DATA=FOLDER python -m tests.benchmarks.real_data`. The sample data of the R package CooRTweet: "
        "accounts of social networks that repost and share links. There is no truth in them, no address, no card and "
        "no prompt; the shared object stands as the template, so text and time are all that can tie. The model was "
        f"trained on neither. {n_ranges:,} published ranges of data centres and VPN providers go in as `ip_ranges` and "
        "must be read without a refused row.", "",
        "| log | requests | accounts | rows refused | groups reported | flagged | accounts accused | "
        "share | fast repeaters | of these accused | accused that are fast repeaters |",
        "|" + "---|" * 11,
    ]  # fmt: skip
    for name, f in found.items():
        share = f["accused"] / f["accounts"]
        among = f"{f['both'] / f['accused']:.2f}" if f["accused"] else "–"
        lines.append(
            f"| {name}: {says[name]} | {f['events']:,} | {f['accounts']:,} | {f['refused']} | {f['reported']} | "
            f"{f['flagged']} | {f['accused']:,} | {100 * share:.2f} % | {f['fast']:,} | {f['both']:,} | {among} |"
        )
    return "\n".join([
        *lines, "",
        "Fast repeaters: accounts of pairs that shared two or more of the same objects within ten seconds of each "
        "other, which is the rule of the package itself. People who follow one campaign, party or page do that too: "
        "an accused account here is a proposal without a truth to hold it against, and no claim of fraud.", "",
    ])  # fmt: skip


def main() -> None:
    """Run every log, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(".cache/real-data"))
    parser.add_argument("--to", type=Path, default=PAGES)
    given = parser.parse_args()
    place = os.environ.get("RINGTRACE_DATA")
    if not place:
        sys.exit("Name the folder of the data in RINGTRACE_DATA.")
    folder = Path(place)
    address_ranges = ranges(folder)
    found, says = {}, {}
    for log in logs(folder):
        found[log.name], says[log.name] = through(log, address_ranges, given.work), log.says
        print(log.name, found[log.name], flush=True)
    (given.to / "real-data.md").write_text(page(found, says, len(address_ranges)))


if __name__ == "__main__":
    main()
