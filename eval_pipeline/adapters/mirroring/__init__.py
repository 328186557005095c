"""The mirror's outside: requests forwarded over HTTP, pairs written to the lake in segments."""
