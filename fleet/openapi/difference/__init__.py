"""What changed between two descriptions, judged for those who call the service: `compare` goes through the
operations, `side` is one of them as it is compared, `calls` what changed in it, `pairs` and `schemas` what
changed in what it takes and gives, `change` is one difference."""
