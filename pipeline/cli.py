"""The command line: parse, call, turn errors into one paragraph and an exit code (0 done, 1 failed, 2 wrong usage)."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType

from pipeline.errors import RingtraceError, RunError

COMMANDS: tuple[str, ...] = (
    "simulate", "validate", "run", "stage", "evaluate", "explain", "review", "export", "brief", "status", "forget",
    "reveal", "plan-capacity",
)  # fmt: skip
_ABOUT = "Finds rings of organised fraud among the accounts of a language-model API, and says how sure it is and why."


class Interrupted(KeyboardInterrupt):
    """SIGINT. A kind of its own: where a plain one passed through `exec`, an interpreter kills itself at its end,
    although it was caught, and the exit code is lost."""


def command(name: str) -> ModuleType | None:
    """The module of a command, or None where this installation lacks it."""
    module = f"pipeline.commands.{name.replace('-', '_')}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as fault:
        if fault.name == module:
            return None
        raise


def build_parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The parser; only the chosen command's arguments are added, so that no command pays for another's imports."""
    parser = argparse.ArgumentParser(prog="ringtrace", description=_ABOUT)
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    inner = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name in COMMANDS:
        if chosen is not None and name != chosen:
            continue
        module = command(name)
        if module is None:
            continue
        form = argparse.RawDescriptionHelpFormatter
        text = f"{module.HELP[0].upper()}{module.HELP[1:]}."
        one = inner.add_parser(
            name, help=module.HELP, description=text, epilog=f"example:\n  {module.EXAMPLE}", formatter_class=form
        )
        module.add_arguments(one)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    chosen = words[0] if words and words[0] in COMMANDS else None
    parser = build_parser(chosen)
    try:
        args = parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    if args.version:
        from pipeline.run import version

        print(version())
        return 0
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    return _carried_out(args)


def _carried_out(args: argparse.Namespace) -> int:
    """Call the command; whatever goes wrong ends as one paragraph on standard error."""
    module = command(args.command)
    assert module is not None
    _stop_on_signals()
    try:
        return int(module.main(args))
    except RingtraceError as fault:
        print(f"ringtrace: {fault}", file=sys.stderr)
        return fault.exit_code
    except KeyboardInterrupt:
        print("ringtrace: stopped. Nothing half-written is left; go on with --resume.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as fault:
        if _lacks_memory(fault):
            print(
                "ringtrace: there was not enough memory. Lower run.memory_gb or run.workers in the settings, and go on "
                "with --resume.", file=sys.stderr,
            )  # fmt: skip
            return 1
        if os.environ.get("RINGTRACE_DEBUG"):
            raise
        # what an unforeseen exception says may hold a value of the input: only its kind and place are shown
        print(
            f"ringtrace: an unforeseen fault, {type(fault).__name__} at {_place(fault)}. This is a fault of ringtrace "
            "itself; please report it (RINGTRACE_DEBUG=1 shows more).", file=sys.stderr,
        )  # fmt: skip
        return 1


def _lacks_memory(fault: Exception) -> bool:
    """Whether memory ran out: said by Python, or by the loader of a library that found no room for it."""
    return isinstance(fault, MemoryError) or (isinstance(fault, ImportError) and "failed to map segment" in str(fault))


def _place(fault: BaseException) -> str:
    """File and line where an exception was raised, as far as it lies in this house."""
    place, trace = "an unknown place", fault.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        if name.split(".")[0] in ("pipeline", "graphs"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _stop_on_signals() -> None:
    """A polite end on SIGTERM and SIGINT: the same way out as an error, so that locks and scratch are given back."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise RunError("the run was told to stop", mend="Nothing half-written is left; go on with --resume.")

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    try:
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not in the main thread: whoever runs us there stops us in another way
        return


if __name__ == "__main__":
    sys.exit(main())
