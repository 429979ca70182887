"""A private RabbitMQ node: real broker, own directory, own ports, own cookie, own epmd, loopback only."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from adapters.nodes import debian
from adapters.nodes.keeper import Keeper, Launch, Say, free_port, silent
from schemas.errors import ConfigRefused

START_TIMEOUT_SECONDS = 90.0
USER = "baton"
INSTALLED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# Erlang has its own, and so may its shared libraries; the rest of the closure is service management.
WORTH_UNPACKING = r"(erlang-|rabbitmq-server$|lib)"


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the broker's programs are; `tree` is the unpacked folder, None for an installed package."""

    server: Path
    epmd: str
    tree: Path | None


@dataclass(frozen=True, slots=True)
class _Settings:
    password: str
    port: int = 0


def default_cache() -> Path:
    """The folder that keeps unpacked programs between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "baton"


def find_programs(cache: Path, say: Say = silent) -> Programs:
    """RabbitMQ's programs: installed; else installed now as root; else unpacked into `cache` without root.

    Raises: ConfigRefused or Unavailable with the reason when there is no way.
    """
    tree = cache / "rabbitmq"
    if not INSTALLED.exists() and not tree.exists() and os.geteuid() == 0 and debian.can_fetch():
        debian.install("rabbitmq-server", ["rabbitmq-server.service", "epmd.service", "epmd.socket"], say)
    if INSTALLED.exists():
        epmd = shutil.which("epmd")
        if epmd is None:
            raise ConfigRefused(
                "no-epmd", "rabbitmq-server is installed, but Erlang's epmd is not on the PATH"
            )
        return Programs(INSTALLED, epmd, None)
    debian.unpack("rabbitmq-server", WORTH_UNPACKING, tree, say, finish=lambda built: _relocate(built, tree))
    return Programs(tree / "usr/lib/rabbitmq/bin/rabbitmq-server", str(tree / "usr/bin/epmd"), tree)


class RabbitNode:
    """A broker in `directory`; a second start there finds its queues again.

    `vhosts` are created with the node. The node ends when `owner_pid` (default: this process) ends.
    """

    def __init__(
        self,
        directory: Path,
        *,
        say: Say = silent,
        vhosts: Sequence[str] = ("/",),
        owner_pid: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / "log" / "rabbit.log"
        self._say = say
        self._vhosts = tuple(vhosts)
        self._cache = cache or default_cache()
        self._keeper = Keeper(self.directory, owner_pid)
        self._programs: Programs | None = None
        self._settings = _Settings("")

    @property
    def url(self) -> str:
        """The AMQP URL of the first vhost; it holds the password, so never log it."""
        return self.url_for(self._vhosts[0])

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._keeper.pid("rabbitmq")

    def url_for(self, vhost: str) -> str:
        """The AMQP URL of one of the node's vhosts."""
        place = f"127.0.0.1:{self._settings.port}"
        return f"amqp://{USER}:{self._settings.password}@{place}/{quote(vhost, safe='')}"

    def start(self, timeout_seconds: float = START_TIMEOUT_SECONDS) -> str:
        """Starts the broker and returns its URL once it answers; at once when it already runs.

        Raises: ConfigRefused (no programs, directory in use), Unavailable (no answer in time).
        """
        if self.pid is not None and self._settings.port:
            return self.url
        self._programs = self._programs or find_programs(self._cache, self._say)
        for part in ("home", "log", "mnesia"):
            (self.directory / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keeper.clear_the_place()
        self._remember_settings()
        self._write_configuration()
        self._say(f"starting a private RabbitMQ on 127.0.0.1:{self._settings.port} (log: {self.log}) …")
        env = self._environment()
        out = self.directory / "log" / "start.log"
        epmd_argv = [self._programs.epmd, "-address", "127.0.0.1", "-port", env["ERL_EPMD_PORT"]]
        self._keeper.start(Launch("epmd", epmd_argv, env, out))
        self._keeper.start(Launch("rabbitmq", [str(self._programs.server)], env, out))
        self._keeper.wait_until(self._answers, "rabbitmq", out, timeout_seconds)
        return self.url

    def stop(self) -> None:
        """Ends the broker in good order, then its epmd."""
        self._keeper.end_all()

    def kill(self) -> None:
        """SIGKILL, as a crash would: nothing is flushed."""
        self._keeper.end("rabbitmq", at_once=True)
        self._keeper.end("epmd", at_once=True)

    def restart(self) -> str:
        """Stops in good order and starts again on the same port.

        Do this once after declaring queues and before killing the broker in a test: RabbitMQ 3.10 was seen
        to lose a quorum queue that was killed within half a second of its declaration.
        """
        self.stop()
        return self.start()

    def __enter__(self) -> RabbitNode:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        # A broker that speaks AMQP 0-9-1 answers the protocol header with a method frame (type 1).
        try:
            with socket.create_connection(("127.0.0.1", self._settings.port), timeout=1.0) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return probe.recv(1) == b"\x01"
        except OSError:
            return False

    def _remember_settings(self) -> None:
        path = self.directory / "settings.json"
        if path.exists():
            kept = _Settings(**json.loads(path.read_text(encoding="utf-8")))
        else:
            kept = _Settings(secrets.token_urlsafe(18))
        self._settings = replace(kept, port=free_port(self._settings.port or kept.port))
        _write_private(path, json.dumps(asdict(self._settings)))

    def _write_configuration(self) -> None:
        salt = secrets.token_bytes(4)
        digest = hashlib.sha256(salt + self._settings.password.encode()).digest()
        user = {
            "name": USER,
            "password_hash": base64.b64encode(salt + digest).decode(),
            "tags": "administrator",
        }
        rights = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [{**user, "hashing_algorithm": "rabbit_password_hashing_sha256"}],
            "vhosts": [{"name": vhost} for vhost in self._vhosts],
            "permissions": [{**rights, "vhost": vhost} for vhost in self._vhosts],
        }
        _write_private(self.directory / "definitions.json", json.dumps(definitions))
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self._settings.port}",
            f"load_definitions = {self.directory}/definitions.json",
            "log.file = rabbit.log",
            "log.console = false",
            "disk_free_limit.absolute = 50MB",
            "raft.wal_max_size_bytes = 67108864",  # 64 MiB in memory instead of 512: a node for one machine
        ]
        _write_private(self.directory / "rabbitmq.conf", "\n".join(lines) + "\n")

    def _environment(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        here, absent = self.directory, str(self.directory / "absent")
        env |= {
            "HOME": str(here / "home"),  # Erlang keeps its cookie there
            "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the broker: no shell in between to signal
            "RABBITMQ_NODENAME": "baton@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "rabbitmq.pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": absent,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(free_port()),
        }
        (here / "plugins").write_text("[].\n", encoding="ascii")
        tree = self._programs.tree if self._programs else None
        if tree is not None:
            triplet = str(sysconfig.get_config_var("MULTIARCH") or "")
            libraries = [str(tree / part / triplet) for part in ("usr/lib", "lib")]
            env["LD_LIBRARY_PATH"] = os.pathsep.join(
                [*libraries, *filter(None, [env.get("LD_LIBRARY_PATH")])]
            )
            env["PATH"] = f"{tree}/usr/lib/erlang/bin{os.pathsep}{env.get('PATH', os.defpath)}"
        return env


def _relocate(built: Path, final: Path) -> None:
    # Debian's start script of Erlang names its folder outright, wherever it lies.
    script = built / "usr/lib/erlang/bin/erl"
    if script.exists():
        text = script.read_text(encoding="utf-8")
        script.write_text(
            text.replace("ROOTDIR=/usr/lib/erlang", f'ROOTDIR="{final}/usr/lib/erlang"'), "utf-8"
        )


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
