#!/usr/bin/env python3
"""A TCP port on loopback for a server that a test starts; run as a program, prints one.

It lies below the range from which the kernel takes ports for outgoing connections: one of those could be
given to another program's connection between choosing it here and binding it there."""
import pathlib
import random
import socket

FIRST = 10240


def free_port():
    first_outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    last = max(first_outgoing, FIRST + 1024) - 1
    for _ in range(1000):
        port = random.SystemRandom().randint(FIRST, last)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port from {FIRST} to {last}")


if __name__ == "__main__":
    print(free_port())
