"""Backups as they lie: a folder of files, and last the document that names and seals them."""
