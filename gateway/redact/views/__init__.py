"""The ways in which a text is read, so that what stands in it is found as if it stood in plain words."""
