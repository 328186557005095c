"""What only context gives away: names of people, places and organisations."""
