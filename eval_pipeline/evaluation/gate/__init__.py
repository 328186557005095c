"""The decision: what each concern says of the evidence, and the verdict they make together."""
