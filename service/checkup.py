"""Checks of what a running Baton stands on: each says what it saw and, where that is wrong, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from adapters.rabbitmq import RabbitTransport
from schemas.errors import BatonError
from service.app import App, wall_clock
from service.config import Config, mask
from service.feeds_in_force import TO_END

FREE_BYTES: Final = 512 * 1024 * 1024
"""Below this much free disk a database may fail in the middle of a busy day."""

OLDEST_PYTHON: Final = (3, 11)
EARLIEST_YEAR: Final = 2025
"""A clock before this year has never been set."""

PACKAGES: Final = (
    "baton-handoff", "flask", "marshmallow", "flask-smorest", "pika", "orjson", "sqlalchemy", "alembic",
    "psycopg", "click", "structlog",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `to_do` is empty when there is nothing to do."""

    name: str
    ok: bool
    says: str
    to_do: str = ""


def checks(config: Config) -> list[Check]:
    """Look at everything, whatever the check before found."""
    looks: dict[str, Callable[[Config], Check]] = {
        "python": _python,
        "packages": _packages,
        "clock": _clock,
        "disk": _disk,
        "policy": _policy,
        "database": _database,
        "feeds": _feeds,
        "transport": _transport,
    }
    return [_looked(name, look, config) for name, look in looks.items()]


def _looked(name: str, look: Callable[[Config], Check], config: Config) -> Check:
    try:
        return look(config)
    except BatonError as error:
        what, _, remedy = error.reason.partition("; ")
        place = f", {error.where}" if error.where else ""
        return Check(name, False, f"{what}{place} [{error.code}]", remedy)


def _python(config: Config) -> Check:
    says = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Check("python", False, says, "Use Python 3.11 or newer.")
    return Check("python", True, says)


def _packages(config: Config) -> Check:
    return Check("packages", True, ", ".join(f"{name} {_version(name)}" for name in PACKAGES))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _clock(config: Config) -> Check:
    now = wall_clock()
    local = now.astimezone(config.zone)
    says = f"{now:%Y-%m-%d %H:%M:%S} UTC, {local:%Y-%m-%d %H:%M} in {config.timezone}"
    if now.year < EARLIEST_YEAR:
        return Check(
            "clock", False, says, "Set this machine's clock, for example with NTP: decisions count days."
        )
    return Check("clock", True, says)


def _disk(config: Config) -> Check:
    folder = config.home.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    says = f"{free // (1024 * 1024):,} MiB free at {folder}"
    if not _writable(folder):
        return Check(
            "disk", False, f"{folder} cannot be written to", "Set BATON_HOME to a folder that can be."
        )
    if free < FREE_BYTES:
        return Check("disk", False, says, "Free some space, or set BATON_HOME to a larger disk.")
    return Check("disk", True, says)


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def _policy(config: Config) -> Check:
    app = App(config)
    try:
        disk = app.policy_on_disk
        says = f"{disk.version}, sha256 {disk.sha256[:16]}…"
        if config.policy_source == "disk":
            return Check("policy", True, f"{says}, from disk: BATON_POLICY_SOURCE says so")
        if not app.has_database or app.store.revision() != app.store.expected_revision():
            return Check("policy", True, f"{says}, on disk; the first start puts it in force")
        found = app.policy
        if found.sha256 == disk.sha256:
            return Check("policy", True, says)
        return Check(
            "policy",
            True,
            f"{found.version}, sha256 {found.sha256[:16]}…; the packs on disk are another policy, "
            f"{disk.sha256[:16]}…, which `baton policy publish` would propose",
        )
    finally:
        app.close()


def _feeds(config: Config) -> Check:
    app = App(config)
    try:
        if app.has_database and app.store.revision() == app.store.expected_revision():
            app.feeds_in_force.follow()
        known = app.feeds_in_force()
    finally:
        app.close()
    by_api = len(known.texts) - len(known.hidden)
    says = f"{len(known.feeds) - by_api} from files, {by_api} said through the API"
    if known.hidden:
        names = ", ".join(known.hidden)
        return Check("feeds", False, f"{says}; both speak of {names}, where the file counts", TO_END)
    return Check("feeds", True, says)


def _database(config: Config) -> Check:
    path = config.database_url.removeprefix("sqlite:///")
    if path != config.database_url and path and not Path(path).exists():
        return Check(
            "database",
            False,
            f"there is no file {path} yet",
            "Run `baton run` or `baton db upgrade`, which make it.",
        )
    app = App(config)
    try:
        store = app.store
        revision, expected = store.revision(), store.expected_revision()
        says = f"{store.place}, revision {revision or 'none'}"
        if revision != expected:
            return Check("database", False, f"{says}, needs {expected}", "Run `baton db upgrade`.")
        different = store.differences()
        if different:
            return Check(
                "database", False, f"{says}; {'; '.join(different[:3])}", "Restore the tables from a backup."
            )
        return Check("database", True, says)
    finally:
        app.close()


def _transport(config: Config) -> Check:
    return Check("transport", True, broker_says(App(config)))


def broker_says(app: App, *, set_up: bool = False) -> str:
    """What carries messages and how it stands, in one line; with `set_up`, after declaring what is needed.

    Raises:
        ConfigRefused: exchanges or queues are missing or other ones than Baton needs.
        Unavailable: the broker does not answer.
    """
    if app.config.transport == "embedded" or app.config.amqp_url is None:
        return "embedded: the database carries messages; set BATON_AMQP_URL for RabbitMQ"
    transport = RabbitTransport(app.config.amqp_url, delivery_limit=app.config.delivery_limit)
    state = transport.set_up() if set_up else transport.check()
    return f"{state.product} at {mask(app.config.amqp_url)}, {state.waiting} waiting, {state.dead} dead"
