"""One connection: dialled, secured, framed and decoded; what goes wrong gets its kind here.

dial          opens connections: `resolve` and `lookup`, `tcp`, `proxy`, then `tls` with `secured` or `rustls`
connection    one request after the other, on a `channel`; `encode` writes them, `incoming` reads the answers
framing       answers out of bytes: `straight` reads most heads, `repair` those that parsers refuse; `chunks`
decode        bodies out of their Content-Encoding
failures      what exceptions mean; `foreign` are those of other libraries
kept          idle connections that outlive a scan
transport     the same connections for httpx
"""
