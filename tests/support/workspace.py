"""A workspace that really listens: uvicorn in a thread, a client that is signed in, for tests and for screenshots."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from pipeline.review.app import create_app
from pipeline.review.config import ReviewConfig
from pipeline.review.desk import Desk
from pipeline.review.web import Office

SECRET = b"a secret of tests only, 32 bytes long"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Workspace:
    """A workspace under test."""

    app: Any
    config: ReviewConfig
    clients: list[Client] = field(default_factory=list)

    @property
    def office(self) -> Office:
        """What its visits share."""
        office: Office = self.app.state.office
        return office

    @property
    def desk(self) -> Desk:
        """Its desk."""
        return self.office.desk

    def session(self, person: str, role: str) -> str:
        """Key of a new session of a person who has the role."""
        self.desk.people.grant(person, role, "tests", person)
        return self.desk.sessions.begin(person)

    def client(self, person: str = "local", role: str = "solo") -> Client:
        """A browser without scripts, signed in."""
        self.clients.append(Client(self.config.base, {"ringtrace": self.session(person, role)}))
        return self.clients[-1]


class Client(httpx.Client):
    """Asks for pages and sends their forms as a browser without scripts does."""

    def __init__(self, base: str, cookies: dict[str, str] | None = None) -> None:
        super().__init__(base_url=base, cookies=cookies, timeout=60)

    def token(self) -> str:
        """The token of this session's forms."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get("/queue").text)
        assert found, "no form on the queue"
        return found.group(1)

    def form(self, address: str, fields: dict[str, Any] | None = None, follow: bool = True) -> httpx.Response:
        """Send a form with the session's token."""
        return self.post(address, data={"csrf": self.token(), **(fields or {})}, follow_redirects=follow)

    def decide(self, ring_id: str, verb: str, **fields: Any) -> httpx.Response:
        """Open a ring's form and send it."""
        page = self.get(f"/ring/{ring_id}", params={"decide": verb}).text
        found = dict(re.findall(r'name="(act|seen|run)" value="([^"]*)"', page))
        told = {"reason": "Three cards in common and the same hours.", **found, **fields}
        return self.form(f"/ring/{ring_id}/decide/{verb}", told)


def config_for(output: Path, store: str, **changes: Any) -> ReviewConfig:
    """The configuration of a workspace under test."""
    return replace(ReviewConfig(str(output), store, SECRET, port=free_port(), sign_ins_a_minute=1000), **changes)


@contextmanager
def listening(config: ReviewConfig, **more: Any) -> Iterator[Workspace]:
    """A workspace that listens until the block ends."""
    app = create_app(config, **more)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=config.port, log_level="critical", access_log=False, lifespan="off", ws="none"
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the workspace did not start"
        time.sleep(0.01)
    running = Workspace(app, config)
    try:
        yield running
    finally:
        for client in running.clients:
            client.close()
        server.should_exit = True
        thread.join(20)
        app.state.office.desk.close()
