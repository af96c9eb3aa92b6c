"""Descriptions made from descriptions, tree to tree: `grammar` says what stands where; `reduce` keeps
chosen operations and what they need, `convert` writes another version, `fixups` repair what was published."""
