"""Signals, windows, features, and the recordings they are computed from."""
