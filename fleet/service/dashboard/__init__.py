"""The page that people look at: files as they are served, with no step between them and the browser."""
