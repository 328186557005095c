"""Asking a system under load: each request once, without retries and without a pace of its own."""
