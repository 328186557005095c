"""How well masking worked: residual text, known values, planted canaries, small groups."""
