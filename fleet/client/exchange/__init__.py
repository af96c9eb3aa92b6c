"""One target's HTTP conversation: pooled connections, retries, redirects, and the gate for links."""
