"""How good each judge is under each rubric, beside how good people are."""
