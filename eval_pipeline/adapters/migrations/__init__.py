"""Alembic's migrations of the operational store; `Store.open` runs them."""

HEAD = "0006"
"""The newest revision; a store that is there needs no Alembic."""
