"""How fast the gateway is, relative to nginx as a proxy on the same machine at the same time."""
