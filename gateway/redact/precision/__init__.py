"""What tells personal data from what only looks like it, by kind: numbers, internet addresses, names."""
