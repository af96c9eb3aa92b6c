"""Sources that are asked and not opened: service discovery, NetBox, Ansible, any program.

notation   how a source is written, as an argument or in YAML, and what it becomes
feed       what all of them give: one list of targets, in a format that files have too
"""
