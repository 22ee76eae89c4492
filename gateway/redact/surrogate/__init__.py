"""Stand-ins that look like what they stand for: how they are chosen, and how they are found again in answers."""
