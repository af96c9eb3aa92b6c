"""What changed between two descriptions, judged for those who call the service: `compare` goes through the
operations, `schemas` through what they take and give, `change` is one difference."""
