"""Credentials from a program of the operator's: `exec: [bmc-password, "{host}"]`, JSON on standard output.

    {"username": "scanner", "password": "...", "expires": "10m"}

`username`, `password`, `token` and `schemes` as in an auths file, but values and not references; `expires` is
how long they may be kept, in seconds or as a duration.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleet.errors import SecretError
from fleet.inventory.credentials.given import Given, given_of
from fleet.inventory.credentials.placeholders import Template
from fleet.inventory.program import Program
from fleet.quantities import parse_duration
from fleet.target import Target

if TYPE_CHECKING:
    from fleet.inventory.credentials.model import ExecModel

MAX_OUTPUT_BYTES = 64 * 1024  # bytes that a helper may write


class Helper:
    """The program that gives one credential."""

    renewable = True

    def __init__(self, name: str, model: ExecModel, username: str | None) -> None:
        self._subject = f"the helper of {name}"
        self._arguments = [Template(text) for text in model.command]
        self._username = username
        self._seconds = parse_duration(model.timeout)
        self._keep = parse_duration(model.keep) if model.keep is not None else None
        self._environ = tuple(model.env)

    @property
    def own(self) -> bool:
        return any(argument.own for argument in self._arguments)

    def read(self, target: Target | None) -> Given:
        program = Program(
            [self._filled(argument, target) for argument in self._arguments],
            what=self._subject,
            error=SecretError,
            seconds=self._seconds,
            most=MAX_OUTPUT_BYTES,
            environ=self._environ,
            tells=False,
        )
        output = program.run()
        try:
            value = json.loads(output)
        except (ValueError, RecursionError):
            raise SecretError(f"{self._subject}: its output is not JSON") from None
        given = given_of(value, f"the output of {self._subject}", username=self._username)
        if given.seconds is None and self._keep is not None:
            return Given(given.username, given.password, given.token, given.schemes, self._keep)
        return given

    def stamp(self) -> object:
        return None

    def _filled(self, argument: Template, target: Target | None) -> str:
        """An argument for a target. What an inventory says must not become an option of the program."""
        text = argument.fill(target)
        if argument.own and text.startswith("-") and not argument.text.startswith("-"):
            raise SecretError(f"{self._subject}: {argument.text} would begin with a dash for this target")
        return text
