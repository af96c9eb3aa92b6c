"""What outlives the process: runs, the state of every target, and what changed."""
