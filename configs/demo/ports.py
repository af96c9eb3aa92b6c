"""Prints a free port of 127.0.0.1: the one that is wished for where it is free, else any.

python ports.py [WISHED]
"""

from __future__ import annotations

import socket
import sys


def main(wished: list[str]) -> int:
    for port in (*map(int, wished), 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            print(sock.getsockname()[1])
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
