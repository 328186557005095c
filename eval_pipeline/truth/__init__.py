"""Ground truth: composing, describing and comparing golden versions. Reads and writes nothing."""
