"""What was measured: kept as lines of JSON, judged by `budgets.toml`, shown in tables and charts."""
