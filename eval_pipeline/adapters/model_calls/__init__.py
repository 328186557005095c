"""Model calls: asked at the pace a provider bears, claimed, paid for once, recorded first."""
