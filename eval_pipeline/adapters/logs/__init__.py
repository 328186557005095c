"""The team's logs: where they are, what they look like, and what scans them in this process."""
