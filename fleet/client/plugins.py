"""Plugins: code of a user's own at the joints of a description and of its calls.

Give instances as `plugins=[...]` where a description is loaded, or to `clone`; they are called in that order.
Clones have the plugins of their parent; every event says which handle it belongs to. Hooks change what they
are given by assigning to the event. Hooks of messages may be coroutine functions where the session is async.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable, iscoroutine
from typing import TYPE_CHECKING, Any

from fleet.client.description.loaders import Text
from fleet.client.message import Reply, Request
from fleet.errors import ConfigError
from fleet.frozen import frozen
from fleet.openapi import Operation, Parse

if TYPE_CHECKING:
    from fleet.client.api import OpenAPI


class Plugin:
    """What all plugins are; by itself it does nothing."""


@dataclass(slots=True)
class DocumentEvent:
    """One document of a description: `data` is its text before it is parsed, `tree` what it was parsed to."""

    uri: str
    data: bytes = b""
    tree: Any = None


class DocumentPlugin(Plugin):
    """Repairs documents while they are loaded. It must pickle where handles shall."""

    def loaded(self, event: DocumentEvent) -> None:
        """`event.data` has been read."""

    def parsed(self, event: DocumentEvent) -> None:
        """`event.tree` has been parsed; change it, or assign another."""


class InitPlugin(Plugin):
    """Is told of handles that are made from a description. Clones are not announced."""

    def initialized(self, api: OpenAPI) -> None:
        """The handle is ready."""


@dataclass(slots=True)
class Message:
    """One call on its way; each hook says what is there. `context` and `content_type` are the call's own.

    Files are no part of `request`: a body that holds some is empty there.
    """

    api: OpenAPI
    operation: Operation
    parameters: Mapping[Any, Any]
    data: Any
    context: Any = None
    content_type: str = ""
    request: Request | None = field(default=None, repr=False)
    reply: Reply | None = field(default=None, repr=False)
    value: Any = field(default=None, repr=False)

    @property
    def target(self) -> str:
        """The base URL of the handle that makes the call."""
        return self.api.base_url


class MessagePlugin(Plugin):
    """Sees calls. Every hook may be a plain function or a coroutine function."""

    def marshalled(self, message: Message) -> Any:
        """`message.parameters` and `message.data` are about to be written."""

    def sending(self, message: Message) -> Any:
        """`message.request` (method, path, headers, body) is about to be sent; credentials are in it."""

    def received(self, message: Message) -> Any:
        """`message.reply` (status, headers, body as bytes) has arrived."""

    def parsed(self, message: Message) -> Any:
        """`message.value` has been decoded."""

    def unmarshalled(self, message: Message) -> Any:
        """`message.value` is about to be returned."""


@frozen
class Parsing:
    """A `Parse` with document plugins around it."""

    parse: Parse
    plugins: tuple[DocumentPlugin, ...]

    def __call__(self, data: bytes, uri: str) -> Any:
        event = DocumentEvent(uri, data)
        for plugin in self.plugins:
            plugin.loaded(event)
        if isinstance(data, Text):
            event.data = Text.by(event.data, data.yload)
        event.tree = self.parse(event.data, uri)
        for plugin in self.plugins:
            plugin.parsed(event)
        return event.tree


def hooks(plugins: tuple[Plugin, ...], stage: str) -> list[Callable[[Message], Any]]:
    """The hooks of one stage of a message."""
    return [getattr(plugin, stage) for plugin in plugins if isinstance(plugin, MessagePlugin)]


async def tell(plugins: tuple[Plugin, ...], stage: str, message: Message) -> None:
    """Calls the hooks of a stage in order, awaiting what is awaitable."""
    for hook in hooks(plugins, stage):
        made = hook(message)
        if isawaitable(made):
            await made


def tell_now(plugins: tuple[Plugin, ...], stage: str, message: Message) -> None:
    """`tell` for a sync session. Raises `ConfigError` for a hook that is a coroutine function."""
    for hook in hooks(plugins, stage):
        made = hook(message)
        if isawaitable(made):
            if iscoroutine(made):
                made.close()
            raise ConfigError(f"the {stage} hook is async, and this handle's session is not")
