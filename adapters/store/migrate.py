"""Migrations by Alembic from inside the program: no alembic.ini, one transaction, one process at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from adapters.store.revisions import head
from adapters.store.schema import metadata

_LOCK: Final = 0x4241544F4E  # "BATON"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(connection: sa.Connection) -> str:
    """Apply what is missing, all or nothing; who comes second waits and finds nothing to do."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    try:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    return head()


def differences(connection: sa.Connection) -> list[str]:
    """What Alembic would have to change to make the tables what `schema` says."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
    return [str(step) for step in compare_metadata(context, metadata)]
