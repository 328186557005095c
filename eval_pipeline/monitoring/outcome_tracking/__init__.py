"""Whether offline scores foretell production's outcome: predicted, compared, followed."""
