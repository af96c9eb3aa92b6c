"""How the machines of a run deviate from the published description: gathered in one pass, shown as a page."""
