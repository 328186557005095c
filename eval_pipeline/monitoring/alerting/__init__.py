"""What teams are told of: events found in the tables, and the messages made of them."""
