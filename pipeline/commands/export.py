"""`ringtrace export`: a run for other systems."""

from __future__ import annotations

import argparse
import sys

HELP = "write a run for other systems: STIX 2.1, GEXF, GraphML, CSV, MISP"
EXAMPLE = "ringtrace export output/latest --format stix --to stix.json"
FORMATS = ("stix", "gexf", "graphml", "csv", "misp", "indicators")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("run", metavar="RUN", help="folder of a finished run (with `indicators`: a STIX bundle)")
    parser.add_argument(
        "--format", choices=FORMATS, required=True, help="`indicators` turns a STIX bundle into an input"
    )
    parser.add_argument("--to", metavar="FILE", required=True, help="file to write")
    parser.add_argument("--table", metavar="NAME", default="", help="with csv: a table instead of the accused accounts")
    parser.add_argument(
        "--audience", choices=("internal", "partner", "public"), default="internal", help="who reads it"
    )
    parser.add_argument("--recipient", metavar="NAME", default="", help="which partner: pseudonyms differ between two")
    parser.add_argument("--key-file", metavar="FILE", help="secret for pseudonyms (partner and public)")
    parser.add_argument("--approval", metavar="FILE", help="approval on record, JSON (partner and public)")


def main(args: argparse.Namespace) -> int:
    """Write the file and say so."""
    from pipeline.exports.export import carry_out

    size = carry_out(
        args.run,
        args.format,
        args.to,
        audience=args.audience,
        recipient=args.recipient,
        key_file=args.key_file,
        approval=args.approval,
        table=args.table,
    )
    print(f"{args.to}: {size:,} bytes", file=sys.stderr)
    return 0
