"""Questions to the system's resolver, answered by a few threads of their own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

Address: TypeAlias = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]
Answer: TypeAlias = tuple[Address, ...] | Exception
LookUp: TypeAlias = Callable[[str], tuple[Address, ...]]


class Question:
    """One name that is being looked up. `waiting` counts those who wait for `answer`, which is never an
    exception: what went wrong is a value, too."""

    __slots__ = ("answer", "host", "waiting")

    def __init__(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        self.host: str = host
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self.waiting: int = 0


_Thread: TypeAlias = "SimpleQueue[Question | None]"  # known by where it takes its questions; None ends it


class Lookups:
    """At most `threads` look-ups at once, those of a slow name server included: libc cannot be interrupted,
    so a thread keeps its place until it has an answer, however many have given up on it.

    No other work is done in these threads, so it cannot be starved by them. They are daemons (the process
    ends without an answer) and end when there is nothing to ask. Everything but the look-up itself happens
    in the event loop: there is no lock.
    """

    def __init__(self, threads: int, look_up: LookUp) -> None:
        self._most = threads
        self._look_up = look_up
        self._threads: set[_Thread] = set()
        self._resting: list[_Thread] = []  # of those
        self._pending: deque[Question] = deque()

    def ask(self, question: Question) -> None:
        """Has a question answered as soon as a thread is free; one that nobody waits for any more by then is
        cancelled."""
        self._pending.append(question)
        self._dispatch()

    def close(self) -> None:
        """Lets go of all threads: those that still look something up end after it."""
        for thread in self._threads:
            thread.put(None)
        self._threads.clear()
        self._resting.clear()
        self._pending.clear()

    def _dispatch(self) -> None:
        while self._pending and (self._resting or len(self._threads) < self._most):
            question = self._pending.popleft()
            if not question.waiting:
                question.answer.cancel()
                continue
            self._ready_thread().put(question)
        if not self._pending and len(self._threads) == len(self._resting):
            self.close()

    def _ready_thread(self) -> _Thread:
        if self._resting:
            return self._resting.pop()
        questions: _Thread = SimpleQueue()
        threading.Thread(target=self._work, args=(questions,), name="fleet look-up", daemon=True).start()
        self._threads.add(questions)
        return questions

    def _work(self, questions: _Thread) -> None:
        """A thread's life."""
        while (question := questions.get()) is not None:
            answered: Answer
            try:
                answered = self._look_up(question.host)
            except Exception as error:
                answered = error.with_traceback(None)
            try:
                question.answer.get_loop().call_soon_threadsafe(self._answered, question, answered, questions)
            except RuntimeError:  # the event loop is closed: nobody is left to tell
                return

    def _answered(self, question: Question, answered: Answer, thread: _Thread) -> None:
        if not question.answer.done():
            question.answer.set_result(answered)
        if thread in self._threads:
            self._resting.append(thread)
            self._dispatch()


def system_addresses(host: str) -> tuple[Address, ...]:
    """What the system's resolver says, in its order. Raises OSError, UnicodeError; blocks."""
    answers = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple((family, address) for family, _, _, _, address in answers)  # type: ignore[misc]
