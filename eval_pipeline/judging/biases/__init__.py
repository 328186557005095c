"""What is wrong with the judges themselves: measured weekly, by asking and from labels."""
