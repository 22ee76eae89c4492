"""A load test with users of different kinds that watches for what must never happen: leaks, and wrong restores."""
