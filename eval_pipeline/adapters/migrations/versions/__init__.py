"""One module per revision, never edited after it was released."""
