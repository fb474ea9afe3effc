"""Ask the server of forks for a program and wait for its end.

Run as a script this is the program: its input, output, folder and environment are those of this
process. It imports next to nothing, for it is started some three hundred times.
"""

import os
import socket
import sys

ADDRESS = "HISTOSURV_TESTS_FORKS"  # name of the variable that holds the server's address


def ask(words, address, environment, *, folder=".", streams=(0, 1, 2)):
    """Exit status of a program that the server runs in a fork; 1 where it died without one."""
    here = os.path.abspath(folder)  # noqa: PTH100 - slow to load
    lines = [here, str(len(words)), *map(str, words)]
    lines += [f"{name}={value}" for name, value in environment.items()]
    message = os.fsencode("\0".join(lines))
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [len(message).to_bytes(8, "big")], list(streams))
        server.sendall(message)
        answer = server.recv(1)
    return answer[0] if answer else 1


if __name__ == "__main__":
    sys.exit(ask(sys.argv[1:], os.environ[ADDRESS], os.environ))
