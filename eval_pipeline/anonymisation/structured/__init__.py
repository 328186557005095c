"""What a form gives away: numbers, addresses, dates and secrets by trigger and validator."""
