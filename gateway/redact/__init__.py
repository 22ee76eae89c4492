"""Finds personal data with Presidio, replaces it, and restores it."""
