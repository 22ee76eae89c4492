"""Redacted answers, kept for a while and sealed, so that a repeated question costs nothing."""
