"""What fleet does, a module for each command; what only one of them needs lies beside it under its name."""
