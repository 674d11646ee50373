"""`ringtrace brief`: a briefing for others, as PDF and as one HTML page, with its figures and their numbers."""

from __future__ import annotations

import argparse
import sys

HELP = "write a briefing about a run for people who never see the tool"
EXAMPLE = "ringtrace brief output/latest --to briefing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("run", metavar="RUN", help="folder of a finished run, such as output/latest")
    parser.add_argument("--to", metavar="DIR", required=True, help="folder for the briefing, outside the run")
    parser.add_argument(
        "--audience", choices=("internal", "partner", "public"), default="internal", help="who reads it"
    )
    parser.add_argument("--recipient", metavar="NAME", default="", help="which partner: pseudonyms differ between two")
    parser.add_argument("--key-file", metavar="FILE", help="secret for pseudonyms (partner and public)")
    parser.add_argument("--approval", metavar="FILE", help="approval on record, JSON (partner and public)")
    parser.add_argument(
        "--ring", metavar="RING", action="append", default=[], help="only this operation (may be repeated)"
    )
    parser.add_argument("--title", default="", help="title instead of the finding")
    parser.add_argument("--logo", metavar="FILE", help="picture for the first page, SVG or PNG")
    parser.add_argument("--compare", metavar="RUN", help="an earlier run to compare with")
    parser.add_argument("--evaluation", metavar="FILE", help="result of `ringtrace evaluate --json`, for calibration")
    parser.add_argument("--evasion", metavar="CSV", help="results of the evasion bench")
    parser.add_argument(
        "--grades", metavar="FILE", help='JSON of sources and their Admiralty grades, such as {"Desk": "B2"}'
    )
    parser.add_argument(
        "--lists", metavar="CSV", help="approved enforcement lists, from `ringtrace review --export-lists` (internal)"
    )
    parser.add_argument("--slides", action="store_true", help="the figures in a size for slides as well")


def main(args: argparse.Namespace) -> int:
    """Write the briefing and say where it is."""
    from pipeline.exports.brief import Order, carry_out

    order = Order(
        run=args.run,
        to=args.to,
        audience=args.audience,
        recipient=args.recipient,
        key_file=args.key_file,
        approval=args.approval,
        rings=tuple(args.ring),
        title=args.title,
        logo=args.logo,
        compare=args.compare,
        evaluation=args.evaluation,
        evasion=args.evasion,
        grades=args.grades,
        lists=args.lists,
        slides=args.slides,
    )
    for line in carry_out(order):
        print(line, file=sys.stderr)
    print(args.to)
    return 0
