"""Templates are found by concrete paths, as often as they are asked for, in bounded memory."""

from __future__ import annotations

import pickle

import pytest

from fleet.openapi.route import MAX_KNOWN, MAX_PATH, Routes

ROUTES = [
    ("GET", "/systems", "all"),
    ("GET", "/systems/{id}", "one"),
    ("DELETE", "/systems/{id}", "drop"),
    ("GET", "/systems/{id}.json", "file"),
    ("GET", "/systems/own", "own"),
]


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/systems", "all"),
        ("GET", "/systems/", "all"),
        ("GET", "/systems/7?x=/own", "one"),
        ("DELETE", "/systems/7", "drop"),
        ("GET", "/systems/7.json", "file"),
        ("GET", "/systems/own", "own"),
        ("POST", "/systems", None),
        ("GET", "/else", None),
    ],
)
def test_the_second_answer_is_the_first(method: str, path: str, found: str | None) -> None:
    routes = Routes(ROUTES)
    assert [routes.find(method, path) for _ in range(3)] == [found] * 3
    assert pickle.loads(pickle.dumps(routes)).find(method, path) == found


def test_what_is_remembered_is_bounded() -> None:
    routes = Routes(ROUTES)
    for number in range(2 * MAX_KNOWN + 7):
        assert routes.find("GET", f"/systems/{number}") == "one"
    assert len(routes._known) <= MAX_KNOWN
    before = len(routes._known)
    assert routes.find("GET", "/systems/" + "7" * MAX_PATH) == "one"
    assert len(routes._known) == before
