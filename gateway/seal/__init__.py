"""Keysets, salts and authenticated encryption, with nothing to choose for the caller. The only home of cryptography."""
