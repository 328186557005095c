"""The live mirror: an OpenAI-compatible endpoint that forwards and, beside it, asks the candidate.

The customer's path never waits for what is here beside it: whatever is mirrored is put into a
bounded queue after the answer has left, and is dropped and counted where there is no room.
"""
