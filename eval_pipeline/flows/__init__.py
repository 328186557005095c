"""Steps that need several stages and adapters at once; the orchestrator and the CLI call them.

No flow imports the orchestrator, and none holds a deciding number: policies come from settings.
"""
