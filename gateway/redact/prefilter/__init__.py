"""Reads a text once for all patterns, so that only those that can match are run, and only where they can."""
