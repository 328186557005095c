"""Files of text that are masked on their own: JSON lines, Parquet and plain text, as streams."""
