"""Metrics, traces and logs of real gateways: kinds and counts, bounded labels, and nothing private anywhere."""
