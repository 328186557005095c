"""Intervals that every layer may use; what they are of is known to the callers alone."""
