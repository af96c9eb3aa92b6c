"""Calls of a library user: sessions, request objects, bodies on their way, answers with their types."""
