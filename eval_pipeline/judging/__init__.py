"""Judges: what they are asked, what their answers mean, what the panel makes of them."""
