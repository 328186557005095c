"""The gate held against faults that were planted on purpose, in copies of the week's evidence."""
