"""Spark as the engine of a log scan, by the same statements as DuckDB's."""
