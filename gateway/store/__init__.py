"""A small store of bytes with time limits, in memory or in Redis. It knows no keys and no secrets."""
