"""What the logs, the sample and a golden version promise, checked by Great Expectations."""
