"""Scorers that need no model: response against reference, or against the task's format.

A response in the wrong format is a wrong answer (0.0): where the format is the task, an unparsable
response has been read and found wanting. A missing or unreadable reference is nobody's fault and
gives no score (`no_reference`).
"""
