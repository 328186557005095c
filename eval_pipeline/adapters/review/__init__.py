"""What people are asked and what they answered, in the operational store."""
