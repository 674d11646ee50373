"""Runs DAGs for real in Airflow's own environment: `python drive.py ORDERS RESULTS`, both JSON.

An order is {"dag", "date", "conf", "env"}; its result {"state", "tasks": {task: state}, "tries": {task: n}}.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from airflow import settings


def carry_out(order: dict) -> dict:
    """One DAG run by `dag.test()`."""
    os.environ.update(order["env"])
    dag = importlib.import_module(order["dag"]).dag
    run = dag.test(logical_date=datetime.fromisoformat(order["date"]), run_conf=order.get("conf") or {})
    tasks = run.get_task_instances(session=settings.Session())
    return {
        "state": str(run.state), "tasks": {t.task_id: str(t.state) for t in tasks},
        "tries": {t.task_id: t.try_number for t in tasks},
    }  # fmt: skip


def main() -> None:
    """Carry out all orders, in their order."""
    orders, results = map(Path, sys.argv[1:])
    sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    results.write_text(json.dumps([carry_out(o) for o in json.loads(orders.read_text())]))


if __name__ == "__main__":
    main()
