"""Where secret values come from. Files hold the names of secrets, never the secrets.

    env:NAME                      an environment variable
    file:PATH                     a file; a relative path starts at the file that names it
    $CREDENTIALS_DIRECTORY/NAME   a credential that systemd has loaded for the service
    prompt                        asked for at the terminal, once

A secret file that its group or others can read is warned about and used: Kubernetes mounts secrets that
way. One that others can write is refused: anybody could have put another secret there.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from fleet.errors import SecretError
from fleet.secret import Secret

MAX_SECRET = 64 * 1024  # bytes of a secret file
WAYS = "write env:NAME, file:PATH, $CREDENTIALS_DIRECTORY/NAME or prompt"

_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_CREDENTIAL = re.compile(r"\$(?:CREDENTIALS_DIRECTORY|\{CREDENTIALS_DIRECTORY\})/([A-Za-z0-9_.@:-]+)")

Prompt = Callable[[str], str]  # shown text -> what was typed, unechoed
Warn = Callable[[str], None]


def is_reference(text: object) -> bool:
    """Whether this text says where a secret is, and is not a secret itself."""
    if not isinstance(text, str):
        return False
    if text == "prompt" or (text.startswith("file:") and len(text) > 5):
        return True
    named = _CREDENTIAL.fullmatch(text)
    return (named is not None and named.group(1) not in (".", "..")) or _ENV.fullmatch(text) is not None


class SecretReader:
    """Reads secrets by reference. Every failure is a SecretError that names the secret, never its value."""

    def __init__(
        self,
        *,
        environ: Mapping[str, str] | None = None,
        prompt: Prompt | None = None,
        directory: Path | None = None,
        warn: Warn | None = None,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._prompt = prompt
        self._directory = directory or Path()
        self._warn = warn or (lambda message: None)
        self._warned: set[str] = set()
        self._typed: dict[str, Secret] = {}  # a person is asked once, whatever is read again beside it

    def read(self, reference: str, what: str) -> Secret:
        """The secret behind a reference. `what` is how messages and the prompt call it: "password of lab"."""
        if (named := _ENV.fullmatch(reference)) is not None:
            return self._from_environment(named.group(1), what)
        if (named := _CREDENTIAL.fullmatch(reference)) is not None:
            return self._from_credentials(named.group(1), what)
        if reference.startswith("file:") and len(reference) > 5:
            return self._from_file(self._directory / Path(reference[5:]).expanduser(), what)
        if reference == "prompt":
            return self._ask(what)
        raise SecretError(f"the {what} stands in the file itself", hint=WAYS)

    def file_of(self, reference: str) -> Path | None:
        """The file that a reference names; None for one that names none."""
        if (named := _CREDENTIAL.fullmatch(reference)) is not None:
            directory = self._environ.get("CREDENTIALS_DIRECTORY")
            return Path(directory) / named.group(1) if directory else None
        if reference.startswith("file:") and len(reference) > 5:
            return self._directory / Path(reference[5:]).expanduser()
        return None

    def stamp(self, reference: str) -> object:
        """What differs once the file of a reference has been written or replaced, through whatever symbolic
        links. A pipe stays the same: it can be read once."""
        if (path := self.file_of(reference)) is None:
            return None
        try:
            status = path.stat()
        except (OSError, ValueError):
            return "absent"
        if not stat.S_ISREG(status.st_mode):
            return "no file"
        return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)

    def _from_environment(self, name: str, what: str) -> Secret:
        value = self._environ.get(name)
        if value is None:
            raise SecretError(
                f"the {what}: environment variable {name} is not set",
                hint=f"set it before: read -rs {name} && export {name}",
            )
        return checked(value, f"the {what}: environment variable {name}")

    def _from_credentials(self, name: str, what: str) -> Secret:
        directory = self._environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise SecretError(
                f"the {what}: $CREDENTIALS_DIRECTORY is not set",
                hint=f"systemd sets it: LoadCredential={name}:PATH",
            )
        return self._from_file(Path(directory) / name, what, private=True)

    def _from_file(self, path: Path, what: str, *, private: bool = False) -> Secret:
        subject = f"the {what}: {path}"
        try:
            with open(path, "rb", opener=_open_now) as stream:  # Path.open takes no opener
                status = os.fstat(stream.fileno())
                if not private:
                    self._check_mode(status.st_mode, subject)
                os.set_blocking(stream.fileno(), True)
                data = stream.read(MAX_SECRET + 1)
        except OSError as error:
            raise SecretError(f"{subject}: {error.strerror}") from None
        except ValueError:
            raise SecretError(f"the {what}: not a path") from None
        if len(data) > MAX_SECRET:
            raise SecretError(f"{subject} is longer than {MAX_SECRET} bytes")
        try:
            return checked(data.decode(), subject)
        except UnicodeDecodeError:
            raise SecretError(f"{subject} is not UTF-8 text") from None

    def _check_mode(self, mode: int, subject: str) -> None:
        if not stat.S_ISREG(mode):
            return  # a pipe of the shell's: <(command)
        if mode & stat.S_IWOTH:
            raise SecretError(f"{subject} can be written by everybody", hint="chmod 600")
        if mode & (stat.S_IRGRP | stat.S_IROTH) and subject not in self._warned:
            self._warned.add(subject)
            self._warn(f"{subject} can be read by others (mode {mode & 0o777:04o}); chmod 600 it")

    def _ask(self, what: str) -> Secret:
        if what in self._typed:
            return self._typed[what]
        if self._prompt is None:
            raise SecretError(f"the {what} is to be asked for, and there is no terminal", hint=WAYS)
        try:
            typed = checked(self._prompt(f"{what[0].upper()}{what[1:]}: "), f"the {what}")
        except EOFError:
            raise SecretError(f"the {what} was not given") from None
        self._typed[what] = typed
        return typed


def _open_now(path: str, flags: int) -> int:
    """Without waiting: a FIFO that nobody writes to is an empty secret here, not a scan that never starts."""
    return os.open(path, flags | os.O_NONBLOCK)


def checked(value: str, subject: str) -> Secret:
    """A value as a secret. One trailing newline is the editor's, not the secret's; what a header could not
    carry is refused. Raises SecretError."""
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise SecretError(f"{subject} is empty")
    if any(character in value for character in "\r\n\0"):
        raise SecretError(f"{subject} holds more than one line")
    return Secret(value)
