"""What the workspace is told at its start: where runs lie, where decisions go, how people come in."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.errors import SettingsError, quoted

Mode = Literal["local", "proxy", "oidc"]


@dataclass(frozen=True)
class OpenId:
    """An OpenID Connect provider. `claim` is the claim of the id token that names the person."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "email"


@dataclass(frozen=True)
class ReviewConfig:
    """Everything the app needs to know; nothing is read from the environment later."""

    output: str
    store: str
    secret: bytes = field(repr=False)
    mode: Mode = "local"
    host: str = "127.0.0.1"
    port: int = 8765
    public_url: str = ""  # https://... as browsers see it; empty for http://host:port
    idle_minutes: int = 30
    session_hours: int = 12
    check_rate: float = 0.1  # share of rings drawn as checks, in every score band
    sign_ins_a_minute: int = 10
    requests_a_minute: int = 600  # of one API token
    second_person_above: int = 100  # accounts on an enforcement list
    long_payer_days: int = 90
    proxy_header: str = "X-Forwarded-User"
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    openid: OpenId | None = None

    @property
    def base(self) -> str:
        """Address of the workspace as browsers see it, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS: then cookies are marked so."""
        return self.base.startswith("https://")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host headers that are answered; others may come from a page that rebinds a name to this machine."""
        own = self.base.split("://", 1)[1].split("/", 1)[0]
        return (own, f"127.0.0.1:{self.port}", f"localhost:{self.port}") if self.mode == "local" else (own,)


def load_secret(place: Path) -> bytes:
    """The workspace's secret: from RINGTRACE_REVIEW_SECRET, else from a file only this user can read, made once."""
    told = os.environ.get("RINGTRACE_REVIEW_SECRET", "")
    if told:
        if len(told) < 32:
            raise SettingsError(
                "RINGTRACE_REVIEW_SECRET is too short",
                found=f"{len(told)} characters",
                expected="at least 32 random characters",
                mend="Make one with `openssl rand -hex 32`.",
            )
        return told.encode()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return place.read_text().strip().encode()


def home_of(output: str) -> Path:
    """Where the workspace over an output keeps its store and its secret, where nothing else is said."""
    if "://" in output and not output.startswith("file://"):
        return Path.home() / ".local" / "share" / "ringtrace"
    return Path(output.removeprefix("file://")).absolute() / "review"


def local_only(mode: Mode, host: str) -> None:
    """Without sign-in the workspace listens on this machine alone."""
    if mode == "local" and host not in ("127.0.0.1", "::1", "localhost"):
        raise SettingsError(
            "without sign-in the workspace may listen on this machine only",
            found=quoted(host),
            expected="127.0.0.1",
            mend="Choose --mode proxy or --mode oidc to open it to others.",
        )
