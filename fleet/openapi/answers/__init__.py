"""Bytes to values: JSON as devices send it, typed headers, sequences."""
