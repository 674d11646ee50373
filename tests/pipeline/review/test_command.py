"""`ringtrace review`: what it refuses, the roles it gives, the exports it writes, and that it really listens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from pipeline.decisions import Decision, DecisionLog, moment
from pipeline.review.store import open_store
from tests.support.workspace import free_port


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    told = {**os.environ, **environment}
    command = [sys.executable, "-m", "pipeline", "review", *words]
    return subprocess.run(command, capture_output=True, text=True, env=told, timeout=60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "no such output"),
        ([".", "--host", "0.0.0.0"], "this machine only"),
        ([".", "--mode", "oidc"], "--public-url"),
        ([".", "--mode", "oidc", "--public-url", "https://x.example"], "provider"),
        ([".", "--check-rate", "0"], "share"),
        (["s3://bucket/output"], "--store"),
        ([".", "--grant", "ana=king"], "role"),
    ],
)
def test_wrong_usage_is_one_paragraph_and_exit_code_2(tmp_path: Path, words: list[str], said: str) -> None:
    place = [str(tmp_path) if w == "." else w for w in words]
    ended = run(*place, HOME=str(tmp_path))
    assert ended.returncode == 2 and said in ended.stderr and "Traceback" not in ended.stderr


def test_roles_given_and_decisions_leave_as_inputs(tmp_path: Path) -> None:
    assert run(str(tmp_path), "--grant", "ana=admin").returncode == 0
    secret = tmp_path / "review" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600 and len(secret.read_text()) == 64
    engine = open_store(f"sqlite:///{tmp_path}/review/store.sqlite")
    row = Decision("d1", "d1", "entity_allowed", "one school's card", "ana", entity_type="device", entity="=x")
    DecisionLog(engine, lambda: moment(10**15)).append([row])
    engine.dispose()
    files = tmp_path / "decisions.parquet", tmp_path / "allowlist.csv", tmp_path / "lists.csv"
    told = ("--export-decisions", str(files[0]), "--export-allowlist", str(files[1]), "--export-lists", str(files[2]))
    ended = run(str(tmp_path), *told)
    assert ended.returncode == 0
    assert files[2].read_text() == '"list_id","approved_at","ring_id","n_accounts","action"\n', "none was approved"
    assert pq.read_table(files[0]).to_pylist()[0]["decided_at"] == moment(10**15)
    assert files[1].read_text().splitlines()[1] == '"device","=x","one school\'s card"'


def test_it_listens_and_its_link_opens_it(output: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "review",
        str(output),
        "--port",
        str(port),
        "--store",
        f"sqlite:///{tmp_path}/s.sqlite",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        assert started.stderr is not None
        try:
            link = next(m[0] for line in started.stderr if (m := re.search(r"http://127\.0\.0\.1:\d+/enter/\S+", line)))
            transport = httpx.HTTPTransport(retries=5)
            with httpx.Client(transport=transport, follow_redirects=True, timeout=30) as client:
                for _ in range(50):
                    try:
                        answer = client.get(link)
                        break
                    except httpx.ConnectError:
                        continue
                assert answer.status_code == 200 and "wait" in answer.text
        finally:
            started.terminate()
    assert (output / "review" / "secret").exists()
