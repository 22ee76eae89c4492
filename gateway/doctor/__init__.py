"""`gateway doctor`: what can be wrong with how a gateway is set up, and what to do about it.

Each file has a `look`, which asks the world and judges nothing, and a `judge`, which asks nobody.
"""
