"""One connection: dialled, secured, framed and decoded; what goes wrong gets its kind here."""
