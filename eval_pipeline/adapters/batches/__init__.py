"""Model calls by a provider's batch API: submitted together, polled, never paid twice."""
