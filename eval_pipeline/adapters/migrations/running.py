"""Alembic, told where the migrations are and over which connection to run them."""

from pathlib import Path

import sqlalchemy as sa


def known_revisions() -> list[str]:
    """Every schema that this program knows, oldest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see `upgrade`

    script = ScriptDirectory(str(Path(__file__).parent))
    return sorted(one.revision for one in script.walk_revisions())


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Migrates inside the connection's transaction."""
    # Alembic takes a third of a second to import, and a store is rarely out of date.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
