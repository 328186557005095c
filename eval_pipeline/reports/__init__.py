"""Decisions and measurements for people: pages, plots, terminal tables and CI formats.

Presents what the stages decided and decides nothing. Names and texts that arrive here are hostile
until escaped: they may come from logs, from models or from other tools' files.
"""
