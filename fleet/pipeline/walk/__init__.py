"""A plan run over one target: requests, rows, and the outcome that they make."""
