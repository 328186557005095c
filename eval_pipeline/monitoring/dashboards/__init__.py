"""What dashboards get: metrics and evaluation results, made of the tables."""
