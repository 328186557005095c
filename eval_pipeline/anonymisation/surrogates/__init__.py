"""What stands in the text where a value stood: placeholders, or values of the same form."""
