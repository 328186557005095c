"""When a weekly re-run is more than the noise of its reference runs, and whose change that is."""
