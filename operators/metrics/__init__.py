"""Metrics: what Prometheus reads at `/metrics`. All of it comes from the store, so that every process shows the same."""
