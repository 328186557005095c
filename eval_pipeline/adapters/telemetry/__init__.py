"""The ways out for dashboards: Prometheus and OpenTelemetry."""
