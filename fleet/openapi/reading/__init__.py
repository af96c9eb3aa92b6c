"""Bytes to trees: YAML 1.2 and JSON, tags, the cache of parsed documents, references between documents."""
