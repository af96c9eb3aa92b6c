"""The comparisons behind every performance claim. `python -m benchmarks` runs all of them."""
