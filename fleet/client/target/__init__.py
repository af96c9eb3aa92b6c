"""A target as a scan sees it: its credential, its login, and calls that share one exchange."""
