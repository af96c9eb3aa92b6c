"""The configuration of a service: its models, read from a file; jobs as options of scans."""
