"""What a service answers over HTTP, and to whom."""
