"""Scores, paired tests, drift and the gate: what the trials say and what follows from it."""
