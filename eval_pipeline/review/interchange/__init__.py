"""The queue out and the labels in, in the forms of the tools that people label with.

Text in, text out: reading and writing files, and masking what people typed, is the caller's.
"""
