"""What production shows: anomalies of the logs, outcomes against labels, cost and latency."""
