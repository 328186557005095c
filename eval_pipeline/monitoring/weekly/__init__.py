"""The week as one page tells it: figures with intervals, what changed, what needs a person."""
