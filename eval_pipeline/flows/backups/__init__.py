"""Backups: taken of store and lake as they were at one moment, restored, and people kept erased."""
