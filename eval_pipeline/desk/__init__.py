"""The review desk's web page and its HTTP API."""
