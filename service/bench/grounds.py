"""Where everything is measured: one broker, one database server, and a new store for each scenario."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import psycopg

from adapters.nodes import PostgresNode, RabbitNode
from adapters.store import Store
from service.app import App
from service.bench import broker
from service.config import load

StoreKind: TypeAlias = Literal["sqlite", "postgres"]
STORES: Final[tuple[StoreKind, ...]] = ("sqlite", "postgres")


@dataclass(slots=True)
class Grounds:
    """What scenarios stand on. `amqp_url` and `database_url` hold passwords: never print them."""

    folder: Path
    amqp_url: str
    database_url: str | None
    broker_product: str
    _made: int = 0
    _schemas: list[str] = field(default_factory=list)

    def fresh_folder(self) -> Path:
        """An empty folder."""
        self._made += 1
        folder = self.folder / f"s{self._made}"
        folder.mkdir()
        # Named by BATON_CONFIG, so that no configuration of the caller's has a say in what is measured.
        (folder / "baton.toml").touch()
        return folder

    def fresh_store(self, kind: StoreKind) -> Scene:
        """Empty queues and a new, upgraded store of a kind."""
        broker.empty(self.amqp_url)
        folder = self.fresh_folder()
        url = f"sqlite:///{folder}/baton.db" if kind == "sqlite" else self.fresh_schema()
        store = Store.open(url)
        try:
            store.upgrade()
        finally:
            store.close()
        return Scene(folder, kind, url, self.amqp_url)

    def fresh_schema(self) -> str:
        """The URL of the database with an empty schema of its own in front."""
        if self.database_url is None:
            raise LookupError("no PostgreSQL in this run")
        name = f"baton_bench_{len(self._schemas) + 1}"
        with psycopg.connect(self.database_url, autocommit=True) as db:
            db.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())
            db.execute(f"CREATE SCHEMA {name}".encode())
        self._schemas.append(name)
        join = "&" if "?" in self.database_url else "?"
        return f"{self.database_url}{join}options={quote(f'-csearch_path={name}')}"

    def clean_up(self) -> None:
        """Remove what the bench made in a broker and a database that are not its own."""
        broker.empty(self.amqp_url)
        broker.clean_up(self.amqp_url)
        if self.database_url and self._schemas:
            with psycopg.connect(self.database_url, autocommit=True) as db:
                for name in self._schemas:
                    db.execute(f"DROP SCHEMA {name} CASCADE".encode())

    def database_product(self) -> str:
        """Which database server answered."""
        if self.database_url is None:
            return ""
        with psycopg.connect(self.database_url) as db:
            return f"PostgreSQL {db.info.parameter_status('server_version')}"


@dataclass(frozen=True, slots=True)
class Scene:
    """One scenario's folder, store and broker."""

    folder: Path
    kind: StoreKind
    database_url: str
    amqp_url: str

    @property
    def settings(self) -> dict[str, str]:
        """What a part of Baton is told."""
        return {
            "BATON_CONFIG": str(self.folder / "baton.toml"),
            "BATON_HOME": str(self.folder),
            "BATON_SETTLING_SECONDS": "0",
            "BATON_DATABASE_URL": self.database_url,
            "BATON_AMQP_URL": self.amqp_url,
        }

    @contextmanager
    def app(self) -> Iterator[App]:
        """Baton inside this process."""
        app = App(load(self.settings))
        try:
            yield app
        finally:
            app.close()


@contextmanager
def prepared(
    say: Callable[[str], None], *, amqp_url: str | None, database_url: str | None, postgres: bool
) -> Iterator[Grounds]:
    """Private nodes where no URL is given, everything removed afterwards.

    Raises:
        ConfigRefused: no programs for a private node, or a broker that is in use.
        Unavailable: something does not answer.
    """
    folder = Path(tempfile.mkdtemp(prefix="baton-bench-"))
    # PostgreSQL refuses root, and the user it runs as must reach its folder below this one.
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if amqp_url is None:
            node = RabbitNode(folder / "rabbitmq", say=say)
            stack.enter_context(node)
            amqp_url = node.url
        if database_url is None and postgres:
            server = PostgresNode(folder / "postgresql", say=say)
            stack.enter_context(server)
            database_url = server.url
        product = broker.prepare(amqp_url)
        grounds = Grounds(folder, amqp_url, database_url if postgres else None, product)
        stack.callback(grounds.clean_up)
        yield grounds
