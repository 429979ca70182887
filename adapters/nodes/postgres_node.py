"""A private PostgreSQL node from Debian's programs: own directory, own port, loopback only, fully durable."""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adapters.nodes import debian
from adapters.nodes.keeper import Keeper, Launch, Say, free_port, last_lines, silent
from schemas.errors import ConfigRefused, Unavailable

START_TIMEOUT_SECONDS = 60.0
COMMAND_TIMEOUT_SECONDS = 60.0
USER = "baton"
INSTALLED = Path("/usr/lib/postgresql")
# A socket's path is limited to 107 bytes by the kernel, and PostgreSQL adds a file name.
SOCKET_FOLDER_LIMIT_BYTES = 85


@dataclass(frozen=True, slots=True)
class _Settings:
    password: str
    port: int = 0


def find_programs(say: Say = silent) -> Path:
    """The folder of PostgreSQL's newest server programs; installs Debian's package as root where absent.

    Raises: ConfigRefused or Unavailable with the reason when there is no way.
    """
    if not _installed():
        debian.install("postgresql", ["postgresql.service"], say)
    found = _installed()
    if found is None:
        raise ConfigRefused("no-postgresql", f"no PostgreSQL server programs under {INSTALLED}/*/bin")
    return found


class PostgresNode:
    """A database server in `directory`; a second start there finds its data again.

    As root it runs under `postgres` or `nobody`, since PostgreSQL refuses root; that user must reach the
    directory.
    """

    def __init__(self, directory: Path, *, say: Say = silent, owner_pid: int | None = None) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / "postgres.log"
        self._data = self.directory / "data"
        self._say = say
        self._keeper = Keeper(self.directory, owner_pid)
        self._account = _unprivileged() if os.geteuid() == 0 else None
        self._programs: Path | None = None
        self._settings = _Settings("")

    @property
    def url(self) -> str:
        """The URL of the database `baton`; it holds the password, so never log it."""
        return self.url_for("baton")

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._keeper.pid("postgresql")

    def url_for(self, database: str) -> str:
        """The URL of one of the node's databases."""
        return f"postgresql://{USER}:{self._settings.password}@127.0.0.1:{self._settings.port}/{database}"

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> str:
        """Starts the server and returns its URL once it answers; at once when it already runs.

        Raises: ConfigRefused (no programs, directory in use or out of reach), Unavailable (no answer).
        """
        if self.pid is not None and self._settings.port:
            return self.url
        self._programs = self._programs or find_programs(self._say)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._keeper.clear_the_place()
        self._remember_settings()
        first = not (self._data / "PG_VERSION").exists()
        if first:
            self._initialise()
        self._say(f"starting a private PostgreSQL on 127.0.0.1:{self._settings.port} (log: {self.log}) …")
        self._launch()
        self._keeper.wait_until(self._answers, "postgresql", self.log, timeout_seconds)
        if first:
            self.create_database("baton")
        return self.url

    def create_database(self, name: str) -> str:
        """Creates an empty database and returns its URL. Raises: Unavailable with the server's words."""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
            raise ConfigRefused("database-name", "a database name is lower-case letters, digits and _")
        self._command(["createdb", "-h", "127.0.0.1", "-p", str(self._settings.port), "-U", USER, name])
        return self.url_for(name)

    def stop(self) -> None:
        """Ends the server in good order: open transactions are rolled back, everything is flushed."""
        self._keeper.end_all()

    def kill(self) -> None:
        """SIGKILL to the server and each of its processes, as a power cut would."""
        parent = self.pid
        children = _children_of(parent) if parent is not None else []
        self._keeper.end("postgresql", at_once=True)
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def restart(self) -> str:
        """Stops in good order and starts again on the same port."""
        self.stop()
        return self.start()

    def __enter__(self) -> PostgresNode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self) -> None:
        socket_folder = self.directory if len(bytes(self.directory)) <= SOCKET_FOLDER_LIMIT_BYTES else ""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._settings.port),
            "unix_socket_directories": str(socket_folder),
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
        }
        argv = [str((self._programs or INSTALLED) / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        account = self._account
        launch = Launch("postgresql", argv, self._environment(), self.log, signal.SIGINT)
        if account is not None:
            launch = replace(launch, user=account.pw_uid, group=account.pw_gid)
        self._keeper.start(launch)

    def _answers(self) -> bool:
        argv = [str((self._programs or INSTALLED) / "pg_isready"), "-q", "-h", "127.0.0.1"]
        argv += ["-p", str(self._settings.port), "-t", "2"]
        return subprocess.run(argv, env=self._environment(), check=False, timeout=10).returncode == 0

    def _remember_settings(self) -> None:
        path = self.directory / "settings.json"
        if path.exists():
            kept = _Settings(**json.loads(path.read_text(encoding="utf-8")))
        else:
            kept = _Settings(secrets.token_urlsafe(18))
        self._settings = replace(kept, port=free_port(self._settings.port or kept.port))
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self._settings)), encoding="utf-8")

    def _initialise(self) -> None:
        secret = self.directory / "password"
        self._data.mkdir(mode=0o700, exist_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(self._settings.password, encoding="ascii")
        if self._account is not None:
            for path in (self.directory, self._data, secret):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
            self._require_reach()
        arguments = ["-U", USER, "-A", "scram-sha-256", "--pwfile", str(secret)]
        arguments += ["-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"]
        try:
            self._command(["initdb", "-D", str(self._data), *arguments])
        finally:
            secret.unlink()

    def _require_reach(self) -> None:
        if self._account is None:
            return
        name = self._account.pw_name
        probe = ["test", "-w", str(self._data)]
        if subprocess.run(
            probe, user=self._account.pw_uid, group=self._account.pw_gid, check=False
        ).returncode:
            raise ConfigRefused(
                "directory-out-of-reach",
                f"PostgreSQL refuses to run as root, and its user {name} cannot reach {self._data}; "
                "choose a directory below /var or /tmp, or do not run as root",
            )

    def _environment(self) -> Mapping[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return kept | {
            "HOME": str(self.directory),
            "PGPASSWORD": self._settings.password,
            "LC_ALL": "C.UTF-8",
        }

    def _command(self, argv: Sequence[str]) -> None:
        program = (self._programs or INSTALLED) / argv[0]
        account = self._account
        try:
            done = subprocess.run(
                [str(program), *argv[1:]],
                cwd=self.directory,
                env=self._environment(),
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                capture_output=True,
                text=True,
                timeout=COMMAND_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable("node-command", f"{argv[0]} did not finish: {type(error).__name__}") from error
        if done.returncode != 0:
            words = " | ".join(done.stderr.strip().split("\n")[-2:])[:300] or last_lines(self.log)
            raise Unavailable("node-command", f"{argv[0]} failed ({done.returncode}): {words}")


def _installed() -> Path | None:
    versions = [p.parent for p in INSTALLED.glob("*/bin/initdb") if p.parent.parent.name.isdigit()]
    return max(versions, key=lambda folder: int(folder.parent.name), default=None)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigRefused(
        "no-unprivileged-user", "PostgreSQL refuses root, and no user postgres or nobody exists"
    )


def _children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text(encoding="ascii").split()] if listed.exists() else []
