"""The demo's world: a pharmacy, its logs, a model provider on loopback, scripted reviewers."""
