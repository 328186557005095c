"""What a form gives away: numbers, addresses and secrets by pattern and validator."""
