"""What people open and pass on: HTML made of values, Markdown, and the phrases both share.

Everything that comes in may be remote text; nothing that comes out acts on who opens it.
"""

from fleet.page.charts import stacked
from fleet.page.closed import Section, closed_page, links, section
from fleet.page.markdown import code, markdown_table, markdown_text
from fleet.page.markup import Child, Html, element, join
from fleet.page.tables import cell, counted, table

__all__ = [
    "Child",
    "Html",
    "Section",
    "cell",
    "closed_page",
    "code",
    "counted",
    "element",
    "join",
    "links",
    "markdown_table",
    "markdown_text",
    "section",
    "stacked",
    "table",
]
