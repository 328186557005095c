"""The only code that touches files, databases, networks and heavy libraries."""
