"""What a service answers over HTTP, and to whom.

server        listens; `guard` stands before the `app` and admits by `web_config`
api           `/api/v1/`: with `runs`, `targets`, `map`, `closeups` and the `stream` of events
routes        an operation as a value; `shapes` are its answers, `description` makes OpenAPI of both
lookup        what a query names; `search` and `pages` are for lists
views         what a service knows as JSON; `answers` are responses
metrics       `/metrics`; `probe` is one target for Prometheus
dashboard     the page; `config_text` is `/config` for people
"""
