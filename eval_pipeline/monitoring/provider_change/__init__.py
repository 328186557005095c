"""Whether a provider changed a model under an unchanged name: what is seen, and what it proves."""
