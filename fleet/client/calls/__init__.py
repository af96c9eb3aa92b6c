"""Calls of a library user: sessions, request objects, bodies on their way, answers with their types.

request       one operation as a callable; `stream` and `sequence` take its answer as it arrives
dispatch      a call from its message to its answer: `conversation` without I/O, `carry` with it
session       the httpx clients of a handle; `options` make them, `handshake` and `cookies` log in
answer        bodies by media type; `verdict` judges and types them, `linked` has the calls that follow
upload        bodies that hold files; `untyped` makes plain values of typed ones
fanout        `fleet.scan`: one function over many clones
"""
