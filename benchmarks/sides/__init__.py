"""What comparisons run, each side in a process of its own; a peer's in the environment of that peer."""
