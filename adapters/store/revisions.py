"""Which revision the tables have, and which one this program needs; Alembic is loaded only to change them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

_FOLDER: Final = Path(__file__).parent.joinpath("migrations", "versions")


def head() -> str:
    """The newest revision this program has: each file of it begins with its number."""
    return max(file.name.partition("_")[0] for file in _FOLDER.glob("[0-9]*.py"))


def revision(connection: sa.Connection) -> str | None:
    """The revision the tables have; None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
