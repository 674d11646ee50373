"""`ringtrace review`: the analysts' web workspace over an output."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from pipeline.review.config import OpenId, ReviewConfig

HELP = "open the analysts' workspace over the runs of an output"
EXAMPLE = "ringtrace review output"
_VENDOR = Path(__file__).parent.parent / "review" / "static" / "vendor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("output", metavar="OUTPUT", help="folder (or fsspec URI) with finished runs")
    parser.add_argument(
        "--store",
        metavar="URL",
        help="where decisions go: sqlite:///FILE or postgresql://...; OUTPUT/review/store.sqlite if not given",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (another one needs --mode proxy or oidc)"
    )
    parser.add_argument("--port", type=int, default=8765, help="port to listen on")
    parser.add_argument(
        "--mode",
        choices=("local", "proxy", "oidc"),
        default="local",
        help="how people come in: one-time link, trusted proxy header, OpenID Connect",
    )
    parser.add_argument(
        "--public-url", default="", metavar="URL", help="address as browsers see it, such as https://rings.example"
    )
    parser.add_argument(
        "--proxy-header", default="X-Forwarded-User", help="header in which the trusted proxy names the person"
    )
    parser.add_argument(
        "--trusted-proxy", action="append", metavar="ADDRESS", help="address of the trusted proxy (repeat for more)"
    )
    parser.add_argument(
        "--oidc-issuer",
        metavar="URL",
        help="OpenID Connect provider; its secret comes from RINGTRACE_OIDC_CLIENT_SECRET",
    )
    parser.add_argument("--oidc-client-id", metavar="ID", help="client id at the provider")
    parser.add_argument("--oidc-claim", default="email", help="claim of the id token that names the person")
    parser.add_argument(
        "--grant",
        action="append",
        default=[],
        metavar="PERSON=ROLE",
        help="give a role (viewer, analyst, lead, admin) and end: how the first admins come in",
    )
    parser.add_argument(
        "--check-rate", type=float, default=0.1, help="share of rings drawn as checks for honest error rates"
    )
    parser.add_argument(
        "--export-decisions",
        metavar="FILE",
        help="write the log as the `decisions` input of later runs (Parquet or CSV) and end",
    )
    parser.add_argument(
        "--export-allowlist", metavar="FILE", help="write standing allowances as the `allowlist` input and end"
    )
    parser.add_argument(
        "--export-lists", metavar="FILE", help="write when which enforcement list was approved, for briefings, and end"
    )


def main(args: argparse.Namespace) -> int:
    """Listen until stopped; or give roles or write exports and end."""
    from pipeline.errors import RunError, UsageError

    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError:
        raise UsageError("the workspace is not installed", mend="Install ringtrace[review].") from None
    config = config_of(args)
    if args.export_decisions or args.export_allowlist or args.export_lists:
        return _export(config, args)
    if args.grant:
        return _grant(config, args.grant)
    if not _VENDOR.is_dir():
        print(
            "The scripts of the pages are missing; all works without them. `npm ci` in pipeline/review brings them.",
            file=sys.stderr,
        )
    from pipeline.review.app import create_app

    app = create_app(config)
    _say_where(app, config)
    try:
        uvicorn.run(
            app,
            host=args.host,
            port=args.port,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            ws="none",
        )
    except OSError as fault:
        raise RunError(
            f"the workspace cannot listen on port {args.port}", found=str(fault), mend="Choose another --port."
        ) from fault
    return 0


def _say_where(app: FastAPI, config: ReviewConfig) -> None:
    """The one-time link of a local workspace; the address of a team's."""
    if config.mode == "local":
        app.state.office.desk.people.grant("local", "solo", "start of the workspace", _own_name())
        print(f"Open this link (it works once): {app.state.doors.new_link()}", file=sys.stderr)
    else:
        print(f"The workspace listens; people come in at {config.base}/sign-in", file=sys.stderr)


def _own_name() -> str:
    return os.environ.get("USER") or "you"


def config_of(args: argparse.Namespace) -> ReviewConfig:
    """The configuration that the arguments ask for. Raises SettingsError or UsageError."""
    from pipeline.errors import UsageError, quoted
    from pipeline.review.config import ReviewConfig, load_secret, local_only

    local_only(args.mode, args.host)
    if args.mode != "local" and not args.public_url:
        raise UsageError(
            f"--mode {args.mode} needs --public-url",
            expected="the address as browsers see it, such as https://rings.example",
        )
    if not 0 < args.check_rate <= 1:
        raise UsageError("--check-rate is a share", found=quoted(args.check_rate), expected="above 0, at most 1")
    remote = "://" in args.output
    if remote and not args.store:
        raise UsageError(
            "an output on an object store needs --store",
            mend="Name a database, such as sqlite:////var/lib/ringtrace/store.sqlite.",
        )
    if not remote and not Path(args.output).is_dir():
        raise UsageError(
            "there is no such output",
            found=quoted(args.output),
            mend="Name the folder that `ringtrace run --output` wrote to.",
        )
    home = Path.home() / ".local" / "share" / "ringtrace" if remote else Path(args.output).absolute() / "review"
    store = args.store or f"sqlite:///{home / 'store.sqlite'}"
    return ReviewConfig(
        output=args.output,
        store=store,
        secret=load_secret(home / "secret"),
        mode=args.mode,
        host=args.host,
        port=args.port,
        public_url=args.public_url,
        check_rate=args.check_rate,
        proxy_header=args.proxy_header,
        proxies=tuple(args.trusted_proxy or ("127.0.0.1", "::1")),
        openid=_openid(args),
    )


def _openid(args: argparse.Namespace) -> OpenId | None:
    from pipeline.errors import UsageError
    from pipeline.review.config import OpenId

    if args.mode != "oidc":
        return None
    secret = os.environ.get("RINGTRACE_OIDC_CLIENT_SECRET", "")
    if not (args.oidc_issuer and args.oidc_client_id and secret):
        raise UsageError(
            "--mode oidc needs a provider",
            expected="--oidc-issuer, --oidc-client-id and RINGTRACE_OIDC_CLIENT_SECRET",
        )
    return OpenId(args.oidc_issuer, args.oidc_client_id, secret, args.oidc_claim)


def _grant(config: ReviewConfig, grants: list[str]) -> int:
    """Give roles from the command line, where no admin is there yet to ask for them."""
    from pipeline.errors import UsageError, quoted
    from pipeline.review.access import GIVEN
    from pipeline.review.desk import Desk

    pairs = [g.rpartition("=")[::2] for g in grants]
    for person, role in pairs:
        if not person or role not in GIVEN:
            raise UsageError(
                "--grant takes PERSON=ROLE",
                found=quoted(f"{person}={role}"),
                expected=f"a role among {', '.join(GIVEN)}",
            )
    desk = Desk(config)
    for person, role in pairs:
        desk.people.grant(person, role, "command line")
        print(f"{person} is {role}", file=sys.stderr)
    desk.close()
    return 0


def _export(config: ReviewConfig, args: argparse.Namespace) -> int:
    """Write the log or what stands allowed, as inputs of later runs, or when lists were approved, for briefings."""
    import pyarrow as pa

    from pipeline.decisions import allowlist, as_arrow
    from pipeline.review.desk import Desk
    from pipeline.review.lists import LISTED, approved

    desk = Desk(config)
    rows, lists = desk.log.after(0), approved(desk.engine)
    desk.close()
    made = (
        (args.export_decisions, as_arrow(rows)),
        (args.export_allowlist, allowlist(rows)),
        (args.export_lists, pa.Table.from_pylist(lists, schema=LISTED)),
    )
    for place, table in made:
        if place:
            _write(table, Path(place))
            print(f"{table.num_rows} rows in {place}", file=sys.stderr)
    return 0


def _write(table: object, place: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet as pq

    from pipeline.storage.places import store_errors

    with store_errors(place, "write it"):
        if place.suffix == ".csv":
            pyarrow.csv.write_csv(table, place)
        else:
            pq.write_table(table, place)
