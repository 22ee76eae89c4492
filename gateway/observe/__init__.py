"""Logs, metrics and audit events: kinds and counts, never content."""
