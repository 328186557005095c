"""Which losses of a candidate are systematic, which are noise, and what they cost."""
