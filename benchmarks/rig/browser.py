"""A headless Chromium, driven over its DevTools protocol, for tests of pages and for measuring them.

The protocol is spoken over a pipe (`--remote-debugging-pipe`): messages of JSON that end with a zero byte, on
descriptors 3 and 4 of the browser. No port is open, and nothing is installed besides the browser.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # seconds for anything that is waited for
_LARGEST = 256 * 1024 * 1024  # bytes of one message: a trace is large
_FLAGS = (
    "--headless=new --remote-debugging-pipe --no-sandbox --disable-gpu --no-first-run --disable-quic "
    "--disable-background-networking --disable-component-update --disable-sync --disable-default-apps "
    "--disable-extensions --hide-scrollbars --mute-audio --font-render-hinting=none"
)
_KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "PageDown": 34, "PageUp": 33, "End": 35, "Home": 36}
_KEYS |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, ".": 190, "/": 191}


def find_chromium() -> str | None:
    """The browser of this machine."""
    return shutil.which("chromium") or shutil.which("google-chrome")


class Failed(Exception):
    """The browser refused, or a script of the page threw."""


class Browser:
    """One browser. Made by `opened`."""

    def __init__(self, writing: int) -> None:
        self._writing = writing
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._pages: dict[str, Page] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls, profile: Path) -> AsyncIterator[Browser]:
        """Start one with an empty profile in a directory; it ends with the context."""
        program = find_chromium()
        if program is None:
            raise Failed("there is no chromium here")
        its_input, our_output = os.pipe()
        our_input, its_output = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(profile / "stderr.txt"), os.O_WRONLY | os.O_CREAT, 0o600),
            # By way of numbers that neither end has, so that no descriptor is closed before it is copied.
            (os.POSIX_SPAWN_DUP2, its_input, 203),
            (os.POSIX_SPAWN_DUP2, its_output, 204),
            (os.POSIX_SPAWN_DUP2, 203, 3),
            (os.POSIX_SPAWN_DUP2, 204, 4),
            (os.POSIX_SPAWN_CLOSE, 203),
            (os.POSIX_SPAWN_CLOSE, 204),
        ]
        arguments = [program, *_FLAGS.split(), f"--user-data-dir={profile / 'profile'}", "about:blank"]
        process = os.posix_spawn(program, arguments, os.environ, file_actions=actions, setpgroup=0)
        os.close(its_input)
        os.close(its_output)
        browser = cls(our_output)
        reader = asyncio.StreamReader(limit=_LARGEST)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_input, "rb", buffering=0)
        )
        hearing = asyncio.create_task(browser._hear(reader))
        try:
            yield browser
        finally:
            hearing.cancel()
            transport.close()
            os.close(our_output)
            os.killpg(process, signal.SIGKILL)
            await asyncio.to_thread(os.waitpid, process, 0)

    async def page(self, *, width: int = 1200, height: int = 900, dark: bool = False) -> Page:
        """An empty page of a size."""
        target = await self.send("Target.createTarget", {"url": "about:blank"})
        session = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[session["sessionId"]] = Page(self, session["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.send(f"{domain}.enable")
        await page.shape(width=width, height=height, dark=dark)
        return page

    async def send(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> Any:
        """What the browser answers to a command. Raises Failed."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        await asyncio.to_thread(_write, self._writing, json.dumps(message).encode() + b"\0")
        return await asyncio.wait_for(waiting, PATIENCE)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = json.loads((await reader.readuntil(b"\0"))[:-1])
                if "id" in message:
                    self._answered(message)
                elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                    page.heard(message["method"], message["params"])
        except (asyncio.IncompleteReadError, ConnectionError):
            for waiting in self._waiting.values():
                waiting.cancel()

    def _answered(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or waiting.done():
            return
        if "error" in message:
            waiting.set_exception(Failed(message["error"]["message"]))
        else:
            waiting.set_result(message["result"])


class Page:
    """One page. `said` has what it wrote to the console, and what the browser complained of: errors of
    scripts, violations of the policy, files that did not come. `asked` has the URLs that it asked for."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._browser = browser
        self._session = session

    async def send(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """What the browser answers to a command about this page."""
        return await self._browser.send(method, params, self._session)

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """Note what the browser tells of this page."""
        if method == "Runtime.consoleAPICalled":
            self.said.append(
                " ".join(str(each.get("value", each.get("description"))) for each in params["args"])
            )
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.said.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Log.entryAdded":
            self.said.append(f"{params['entry']['text']} ({params['entry'].get('url', '')})")
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        if method in self.listeners:
            self.listeners[method](params)

    async def shape(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Have another size, or other colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.send("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", {"features": [scheme]})

    async def open(self, url: str) -> None:
        """Go to an address, and wait until the page is loaded."""
        loaded = asyncio.Event()
        self.listeners["Page.loadEventFired"] = lambda _params: loaded.set()
        await self.send("Page.navigate", {"url": url})
        await asyncio.wait_for(loaded.wait(), PATIENCE)

    async def log_in(self, user: str, password: str) -> None:
        """Answer each time that the browser would ask for a user and a password; any certificate will do."""
        answer = {"response": "ProvideCredentials", "username": user, "password": password}
        asked: set[asyncio.Task[Any]] = set()  # is waited for by nobody, and must not be forgotten

        def reply(command: str, params: dict[str, Any]) -> None:
            task = asyncio.ensure_future(self.send(command, params))
            asked.add(task)
            task.add_done_callback(asked.discard)

        self.listeners["Fetch.authRequired"] = lambda params: reply(
            "Fetch.continueWithAuth", {"requestId": params["requestId"], "authChallengeResponse": answer}
        )
        self.listeners["Fetch.requestPaused"] = lambda params: reply(
            "Fetch.continueRequest", {"requestId": params["requestId"]}
        )
        await self.send("Fetch.enable", {"handleAuthRequests": True})
        await self.send("Security.setIgnoreCertificateErrors", {"ignore": True})

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for. Raises Failed where it throws."""
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self.send("Runtime.evaluate", params)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The value of an expression once there is one that is true; the page looks, whenever it has time."""
        return await self.js(
            "new Promise((resolve) => { const look = () => { let found = null;"
            f" try {{ found = {expression}; }}"
            " catch (error) { if (!(error instanceof TypeError)) throw error; }"
            " if (found) resolve(found); else setTimeout(look, 20); }; look(); })"
        )

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other: a name as `Tab`, `Shift+Tab`, or a letter."""
        for name in keys:
            key = name.removeprefix("Shift+")
            code = _KEYS.get(key, ord(key[0].upper()))
            event: dict[str, Any] = {
                "key": key,
                "windowsVirtualKeyCode": code,
                "modifiers": 8 * (key != name),
            }
            text = "\r" if key == "Enter" else key if len(key) == 1 else None
            down = {**event, "type": "keyDown", **({"text": text} if text else {})}
            await self.send("Input.dispatchKeyEvent", down)
            await self.send("Input.dispatchKeyEvent", {**event, "type": "keyUp"})

    async def click(self, selector: str) -> None:
        """Click in the middle of the first element that a selector finds, scrolled into view."""
        place = await self.js(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            " found.scrollIntoView({block: 'center'}); const box = found.getBoundingClientRect();"
            " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1}
            await self.send("Input.dispatchMouseEvent", event)

    async def close(self) -> None:
        """Close it, as one closes a tab."""
        await self.send("Page.close")

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write what it looks like, all of it or what is in view, as PNG."""
        answer = await self.send(
            "Page.captureScreenshot", {"captureBeyondViewport": whole, **await self._area(whole)}
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    async def _area(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
        return {
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
        }


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
