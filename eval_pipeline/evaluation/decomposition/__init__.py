"""The exact sum of what moved a score: truth, judge, provider, within, mix, entry, exit.

Methods 5.1. No detection over many weeks belongs here, and no model is called.
"""
