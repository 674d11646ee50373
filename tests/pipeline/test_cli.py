"""The command line: help, exit codes, one paragraph an error, nothing written where the input is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.plan import STAGES
from tests.support.stubs import Stubs
from tests.support.tiny import Tiny


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Stubs:
    """Stages that make empty tables."""
    stubs = Stubs()
    monkeypatch.setattr("pipeline.run.walk.find_make", stubs)
    return stubs


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """Settings without exports."""
    path = tmp_path / "plain.toml"
    path.write_text('[exports]\nmake = false\n[run]\nscheduler = "sync"\n')
    return str(path)


def there(name: str) -> bool:
    return cli.command(name) is not None


@pytest.mark.parametrize("name", [n for n in cli.COMMANDS if there(n)])
def test_every_command_has_help_and_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = cli.command(name)
    assert module is not None and module.HELP and module.EXAMPLE.startswith(f"ringtrace {name}")
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert module.EXAMPLE in shown
    words = module.EXAMPLE.split()[1:]
    assert cli.build_parser().parse_args(words).command == name


def test_help_is_light() -> None:
    code = (
        "import sys; from pipeline import cli; cli.main(['--help']); [cli.main([c, '--help']) for c in cli.COMMANDS "
        "if cli.command(c)]; heavy = {'pandas', 'pyarrow', 'igraph', 'numpy', 'dask', 'duckdb', 'scipy', 'fastapi', "
        "'matplotlib', 'sqlalchemy', 'rich'} & set(sys.modules); sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_no_command_and_wrong_words_are_usage() -> None:
    assert cli.main([]) == 2
    assert cli.main(["nonsense"]) == 2
    assert cli.main(["run"]) == 2
    assert cli.main(["run", "x", "--colour"]) == 2
    assert cli.main(["stage", "nonsense", "--run", "x"]) == 2


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.count(".") == 2


def test_a_run_says_where_it_is(
    tiny_input: Path, tmp_path: Path, plain: str, stubbed: Stubs, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", plain]
    assert cli.main([*words, "--json"]) == 0
    shown = capsys.readouterr()
    answer = json.loads(shown.out)
    assert Path(answer["run"], "manifest.json").is_file() and not answer["already_whole"] and shown.err == ""
    assert cli.main(words) == 0
    assert "was whole already" in capsys.readouterr().out


def test_begin_and_stages_by_command(
    tiny_input: Path, tmp_path: Path, plain: str, stubbed: Stubs, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ["--output", str(tmp_path / "out")]
    assert cli.main(["run", str(tiny_input), *output, "--settings", plain, "--begin"]) == 0
    run_id = capsys.readouterr().out.strip()
    for stage in (*(s.name for s in STAGES), "publish"):
        assert cli.main(["stage", stage, "--run", run_id, *output]) == 0
    assert (tmp_path / "out" / run_id / "manifest.json").is_file()
    assert cli.main(["stage", "intake", "--run", "2020-01-01-00000000", *output]) == 2


def test_progress_goes_to_standard_error(
    tiny_input: Path, tmp_path: Path, plain: str, stubbed: Stubs, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", plain, "--progress"]
    assert cli.main([*words, "plain"]) == 0
    assert capsys.readouterr().err.splitlines()[0].startswith("intake: 0 rows, ")
    assert cli.main([*words, "bars", "--until", "2026-05-05"]) == 0
    shown = capsys.readouterr()
    assert "rings" in shown.err and shown.out.startswith("The run 2026-05-05-")


def broken_inputs(tiny: Tiny, base: Path) -> dict[str, tuple[Path, list[str]]]:
    """Inputs that must be refused, and words the message must have."""
    cases = {}
    for name, change, words in (
        ("column", lambda e: e.drop(columns="account_id"), ["events", "account_id"]),
        ("neither", lambda e: e.drop(columns="prompt"), ["events", "prompt", "template_id"]),
        ("type", lambda e: e.assign(timestamp=[[1]] * len(e)), ["events", "timestamp"]),
    ):
        place = base / name
        place.mkdir(parents=True)
        change(tiny.events).to_parquet(place / "events.parquet", index=False)
        cases[name] = (place, words)
    place = base / "unreadable"
    place.mkdir()
    (place / "events.parquet").write_bytes(b"PAR1 this is no Parquet file PAR1")
    cases["unreadable"] = (place, ["events.parquet"])
    return cases


@pytest.mark.parametrize("name", ["column", "neither", "type", "unreadable"])
def test_a_broken_table_is_exit_2_and_nothing_written(
    name: str, tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, words = broken_inputs(tiny, tmp_path / "in")[name]
    assert cli.main(["run", str(source), "--output", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert all(w in said for w in words), said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_bad_settings_are_exit_2_and_nothing_written(
    tiny_input: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[run]\nsede = 1\n")
    assert cli.main(["run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", str(bad)]) == 2
    assert "Did you mean run.seed?" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert cli.main(["run", str(tiny_input), "--output", str(tmp_path / "out"), "--until", "soon"]) == 2
    assert "--until" in capsys.readouterr().err and not (tmp_path / "out").exists()
    both = ["--since", "2026-05-05", "--until", "2026-05-05"]
    assert cli.main(["run", str(tiny_input), "--output", str(tmp_path / "out"), *both]) == 2
    assert "the window is empty" in capsys.readouterr().err


def test_an_unforeseen_fault_shows_no_values(
    tiny_input: Path, tmp_path: Path, plain: str, stubbed: Stubs, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("RINGTRACE_DEBUG", raising=False)
    stubbed.fail_at, stubbed.fault = "scores", ValueError("the secret of acct-1")
    assert cli.main(["run", str(tiny_input), "--output", str(tmp_path / "out"), "--settings", plain]) == 1
    said = capsys.readouterr().err
    assert "ValueError at pipeline.run" in said and "secret" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_half_written(number: int, tiny_input: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    words = [sys.executable, "-m", "pipeline", "run", str(tiny_input), "--output", str(output), "--progress", "plain"]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("intake"):
            break
    time.sleep(0.1)
    running.send_signal(number)
    said = running.stderr.read()
    running.stderr.close()
    code = running.wait(60)
    if code == 0:  # it was done before the signal came
        return
    assert code == 1 and "--resume" in said and "Traceback" not in said, said
    assert not (output / "latest").exists()
    assert not list(output.glob(".unfinished/*/scratch/*/*"))


def test_an_interrupt_amid_generated_code_ends_with_the_exit_code_too(tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(
        "import argparse, os, signal, sys, time, types\n"
        "from pipeline import cli\n"
        "code = 'os.kill(os.getpid(), signal.SIGINT); time.sleep(30)'\n"
        "cli.command = lambda name: types.SimpleNamespace(main=lambda args: exec(code))\n"
        "sys.exit(cli._carried_out(argparse.Namespace(command='run')))\n"
    )
    known = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(cli.__file__).parents[1])])}
    done = subprocess.run([sys.executable, "-m", "stopped"], env=known, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "--resume" in done.stderr, done.stderr
