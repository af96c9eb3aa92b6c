"""What a service does by itself and when asked: rounds of jobs, single probes, what is kept of both."""
