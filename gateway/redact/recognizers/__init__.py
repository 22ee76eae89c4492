"""What finds personal data: one file per kind, and the list of all of them in registry.py."""
