"""The built-in model that finds names of people, places and organisations without any download."""
