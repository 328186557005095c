"""A golden version in the formats of other tools. Makes bytes and writes none."""
