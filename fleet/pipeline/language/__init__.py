"""What a spec file may say: its models, its expressions, and the values that expressions see."""
