"""Reference page of the commands, made from their own parsers."""

from __future__ import annotations

import argparse

from pipeline.cli import COMMANDS, command
from tests.support.reference_text import cell, code, sentence, table


def known() -> list[str]:
    """The commands that are there."""
    return [name for name in COMMANDS if command(name) is not None]


def arguments(name: str) -> list[argparse.Action]:
    """The arguments of a command, without `--help`."""
    module = command(name)
    assert module is not None
    parser = argparse.ArgumentParser(add_help=False)
    module.add_arguments(parser)
    return list(parser._actions)


def commands() -> str:
    """Every command with its arguments and an example."""
    head = """# Commands

Exit codes: 0 done; 1 failed while running; 2 wrong usage, settings or input, and nothing was written. A fault is one
short paragraph on standard error: file, column, row, what was found, what was expected, how to mend it. Results go to
standard output, progress to standard error and only where that is a terminal. `--json` gives results for machines.
`ringtrace --version` prints the version. Where `latest` is written, a folder of a run may be named."""
    return head + "\n\n" + "\n\n".join(_command(name) for name in known())


def _command(name: str) -> str:
    module = command(name)
    assert module is not None
    actions = arguments(name)
    rows = [(_spelled(a), _default(a), cell(sentence(a.help or ""))) for a in actions]
    usage = " ".join(["ringtrace", name, *(_in_usage(a) for a in actions)])
    body = table(("argument", "default", "meaning"), rows)
    return (
        f"## {name}\n\n{cell(sentence(module.HELP))}\n\n```\n{usage}\n```\n\n{body}\n\n"
        f"For example:\n\n```\n{module.EXAMPLE}\n```"
    )


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices:
        return "|".join(str(c) for c in action.choices)
    return str(action.metavar or action.dest.upper())


def _spelled(action: argparse.Action) -> str:
    if not action.option_strings:
        return code(_value(action))
    return ", ".join(code(f"{o} {_value(action)}".strip()) for o in action.option_strings)


def _in_usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"[{_value(action)}]" if action.nargs in ("?", "*") else _value(action)
    said = f"{action.option_strings[-1]} {_value(action)}".strip()
    return said if action.required else f"[{said}]"


def _default(action: argparse.Action) -> str:
    if action.required:
        return "needed"
    if action.nargs == 0 or action.default in (None, "", []):
        return ""
    return code(action.default)
