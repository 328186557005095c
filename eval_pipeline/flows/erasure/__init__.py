"""Forgets one person: finds what is theirs, erases it everywhere, records that, and proves it.

What can be found only through the masked interactions goes first, these go last: an erasure that
was killed at any moment is finished by running it again.
"""
