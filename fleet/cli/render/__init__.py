"""What is shown to a person, and cells that a spreadsheet may read: tables, reports, stories, summaries."""
