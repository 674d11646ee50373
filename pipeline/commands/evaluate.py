"""`ringtrace evaluate`: how right a run is, against the truth or against analysts' decisions."""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HELP = "measure a run against the truth of its world, or against analysts' decisions"
EXAMPLE = "ringtrace evaluate output/latest --truth world/truth.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("run", metavar="RUN", help="a finished run, such as output/latest")
    against = parser.add_mutually_exclusive_group(required=True)
    against.add_argument("--truth", metavar="FILE", help="truth: account_id, ring_id, operator (null for the innocent)")
    against.add_argument("--decisions", metavar="URI", help="analysts' decisions: a table, or the review database")
    parser.add_argument("--json", action="store_true", help="machine-readable figures on standard output")


def main(args: argparse.Namespace) -> int:
    """Print the figures."""
    from pipeline.evaluate import against_decisions, against_truth
    from pipeline.storage import open_run
    from pipeline.storage.tables import to_frame

    run = open_run(args.run)
    tables = {name: to_frame(run.read(name)) for name in ("rings", "members", "attribution")}
    if args.truth:
        figures = against_truth(tables, read_truth(args.truth))
    else:
        figures = against_decisions(tables, read_decisions(args.decisions))
    figures = {"run_id": run.run_id, **figures}
    if args.json:
        json.dump(_plain(figures), sys.stdout, indent=2, sort_keys=True)
        print()
    else:
        print("\n".join(as_lines(figures)))
    return 0


def read_truth(uri: str) -> pd.DataFrame:
    """The truth table; InputError where it lacks account_id or ring_id."""
    return _read_table(uri, "truth", ("account_id", "ring_id"), ("operator", "population"))


def read_decisions(uri: str) -> pd.DataFrame:
    """Decisions from a table or from the review database."""
    import pandas as pd

    from pipeline.decisions import is_database
    from pipeline.decisions import read_decisions as from_database
    from pipeline.schemas import INPUTS
    from pipeline.storage.tables import to_frame

    if is_database(uri):
        return to_frame(from_database(uri))
    columns = INPUTS["decisions"].columns
    required = tuple(c.name for c in columns if c.required)
    table = _read_table(uri, "decisions", required, tuple(c.name for c in columns if not c.required))
    return table.assign(decided_at=pd.to_datetime(table["decided_at"], utc=True))


def _read_table(uri: str, name: str, required: tuple[str, ...], optional: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    from pipeline.errors import InputError, Place
    from pipeline.rows import batches, column_names
    from pipeline.storage import find_table

    table = find_table(uri, name)
    made = []
    for number, shown in enumerate(table.shown):
        present = set(column_names(table, number))
        for column in required:
            if column not in present:
                raise InputError(
                    f"the table {name} lacks a column", place=Place(shown, column), expected=f"the column {column}",
                    mend=f"Name the file that holds {', '.join(required)}.",
                )  # fmt: skip
        wanted = [*required, *optional]
        made += [batch.to_pandas() for batch in batches(table, number, wanted)]
    if not made:
        return pd.DataFrame({c: pd.Series(dtype="str") for c in (*required, *optional)})
    frame: pd.DataFrame = pd.concat(made, ignore_index=True)
    # an empty field of a text file is a null
    text = frame.select_dtypes(include=["object", "string"]).columns
    frame[text] = frame[text].replace({"": None})
    return frame


def _plain(value: Any) -> Any:
    """Numbers that JSON knows: not-a-number becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _number(value: float) -> str:
    return "   -  " if not math.isfinite(value) else f"{value:6.3f}"


def _line(name: str, figures: dict[str, Any]) -> str:
    """A share on one line: name, share, interval, counts."""
    interval = f"[{figures['low']:.3f}, {figures['high']:.3f}]" if figures["of"] else " " * 14
    return f"  {name:<34}{_number(figures['share'])}  {interval}  {figures['hits']:,} of {figures['of']:,}"


def as_lines(figures: dict[str, Any]) -> list[str]:
    """The figures as a table for people, a line an entry."""
    head = [f"Run {figures['run_id']}: shares with 95 % intervals (Wilson)"]
    return head + (_truth_lines(figures) if figures["kind"] == "truth" else _decision_lines(figures))


def _truth_lines(f: dict[str, Any]) -> list[str]:
    accounts, grouping, rings, names = f["accounts"], f["grouping"], f["rings"], f["attribution"]
    lines = [
        "Accounts", _line("precision", accounts["precision"]), _line("recall", accounts["recall"]),
        f"  {'F1':<34}{_number(accounts['f1'])}",
        "Rings", _line("flagged rings that are right", rings["right"]),
        _line("true rings found (Jaccard 0.5)", grouping["recovered"]["0.5"]),
        _line("true rings found (Jaccard 0.8)", grouping["recovered"]["0.8"]),
        f"  {'pairwise F1':<34}{_number(grouping['pairwise']['f1'])}",
        f"  {'B-cubed F1':<34}{_number(grouping['b_cubed']['f1'])}",
        "Operators", _line("named wrongly", names["false"]),
        _line("flagged true rings named rightly", names["covered"]),
        _line("joined by one id, rightly", names["operator_ids"]["joined_right"]),
        _line("rings of one operator joined", names["operator_ids"]["found"]),
    ]  # fmt: skip
    lines += ["Calibration", *_calibration_lines("score", f["calibration"])]
    lines += _calibration_lines("operator probability", names["calibration"])
    lines += ["Precision among the first k accounts"]
    lines += [f"  {'k = ' + format(row['k'], ','):<34}{_number(row['precision'])}" for row in f["precision_at"]]
    if f["populations"]:
        lines.append("Judged wrongly, by sub-population")
        for row in f["populations"]:
            lines.append(_line(row["population"] + (" (guilty)" if row["guilty"] else ""), row["wrong"]))
    return lines


def _calibration_lines(name: str, c: dict[str, Any]) -> list[str]:
    lines = [
        f"  {name + ', expected error':<34}{_number(c['expected_error'])}  over {c['n']:,}; between 0.05 and 0.95 "
        f"{_number(c['middle']['expected_error']).strip()} over {c['middle']['n']:,}",
        f"  {name + ', Brier skill':<34}{_number(c['skill'])}",
    ]
    return lines


def _decision_lines(f: dict[str, Any]) -> list[str]:
    return [
        "Decisions",
        f"  {f['decided']:,} of {f['reported']:,} rings decided: {f['confirmed']:,} confirmed, "
        f"{f['dismissed']:,} dismissed, {f['unsure']:,} unsure; {f['accounts_dropped']:,} accounts dropped",
        _line("flagged rings confirmed", f["precision"]), _line("unflagged rings confirmed", f["missed"]),
        "Calibration", *_calibration_lines("score", f["calibration"]), f["note"],
    ]  # fmt: skip
