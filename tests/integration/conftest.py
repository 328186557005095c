"""The operational store for the tests that hold on both of its databases."""

from tests.store_fixtures import migrated_database, migrated_file, store, store_url

__all__ = ("migrated_database", "migrated_file", "store", "store_url")
