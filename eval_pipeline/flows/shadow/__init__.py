"""Shadow mode: asked, compared and told."""
