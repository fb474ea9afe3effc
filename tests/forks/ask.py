"""Ask the server of forks for a program and wait for its end.

Run as a script this is the program: its input, output, folder and environment are those of this
process. It imports next to nothing, for it is started some three hundred times.
"""

import os
import socket
import sys
import time

ADDRESS = "HISTOSURV_TESTS_FORKS"  # name of the variable that holds the server's address
START_S = 120


def ask(words, address, environment, *, folder=".", streams=(0, 1, 2)):
    """Exit status of a program that the server runs in a fork; 1 where it died without one."""
    lines = [os.path.abspath(folder), str(len(words)), *map(str, words)]  # noqa: PTH100 - is slow to load
    lines += [f"{name}={value}" for name, value in environment.items()]
    message = os.fsencode("\0".join(lines))
    with _connected(address) as server:
        socket.send_fds(server, [len(message).to_bytes(8, "big")], list(streams))
        server.sendall(message)
        answer = server.recv(1)
    return answer[0] if answer else 1


def _connected(address):
    """A connection to the server, which may still be loading."""
    until = time.monotonic() + START_S
    while True:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            server.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return server


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1:], os.environ[ADDRESS], os.environ))
