"""From a spec and a description to a plan: every name resolved before a socket opens."""
