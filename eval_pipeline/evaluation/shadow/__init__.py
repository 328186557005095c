"""Shadow mode: which of production's requests are asked, how prompts change, what is compared."""
