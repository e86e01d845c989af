"""A Unix socket that leads to another one, and can be cut: bytes then go nowhere, in silence, as when
a network drops every packet."""
import os
import selectors
import socket
import threading


class SocketProxy:
    def __init__(self, path, target):
        self.target = str(target)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.cut = False
        self.ended = False
        self.lock = threading.Lock()
        self.pairs = {}
        self.wake_in, self.wake_out = os.pipe()
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()

    def cut_off(self):
        self.cut = True

    def heal(self):
        """What was under way when it was cut has been lost: those connections end."""
        with self.lock:
            self.cut = False
            for one in list(self.pairs):
                self.end(one)
        os.write(self.wake_out, b"x")

    def close(self):
        self.ended = True
        os.write(self.wake_out, b"x")
        self.thread.join()
        with self.lock:
            for one in list(self.pairs):
                self.end(one)
        self.listener.close()
        os.close(self.wake_in)
        os.close(self.wake_out)

    def end(self, one):
        other = self.pairs.pop(one, None)
        self.pairs.pop(other, None)
        for each in (one, other):
            if each is not None:
                each.close()

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.target)
        except OSError:
            client.close()
            server.close()
            return
        self.pairs[client], self.pairs[server] = server, client

    def forward(self):
        while not self.ended:
            with selectors.DefaultSelector() as ready:
                ready.register(self.wake_in, selectors.EVENT_READ)
                if not self.cut:
                    with self.lock:
                        for one in [self.listener, *self.pairs]:
                            ready.register(one, selectors.EVENT_READ)
                found = [key.fileobj for key, _ in ready.select(0.05)]
            for one in found:
                self.serve(one)

    def serve(self, one):
        if one == self.wake_in:
            os.read(self.wake_in, 64)
            return
        with self.lock:
            if self.cut:
                return
            if one is self.listener:
                self.accept()
            elif one in self.pairs:
                self.move(one)

    def move(self, one):
        try:
            data = one.recv(1 << 16)
            if data:
                self.pairs[one].sendall(data)
                return
        except OSError:
            pass
        self.end(one)
