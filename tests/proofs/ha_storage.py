"""The stores of the proof `ha`. Each node has a way of its own to the store, which can be cut."""
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

from postgres import Postgres  # noqa: E402
from server import sqlite_record  # noqa: E402
from socket_proxy import SocketProxy  # noqa: E402
from world import run  # noqa: E402

PG_SOCKET = ".s.PGSQL.5432"


class PostgresStorage:
    NAME = "postgresql"
    WAYS = ("kill", "pause", "cut", "step-down")
    HAS_MUTANT = True
    BOOTS = ("kill", "pause", "stop")
    LEASE_S = 2

    def __init__(self, directory):
        self.postgres = Postgres(directory)

    def taken_over(self, _way):
        return True

    def new_place(self, number):
        database = f"round_{number}"
        run(["psql", "-q", "-h", self.postgres.dir, "-U", "apm", "-d", "postgres", "-c",
             f"CREATE DATABASE {database}"])
        return PostgresPlace(self.postgres.dir, database)

    def stop(self):
        self.postgres.stop(signal.SIGQUIT)


class PostgresPlace:
    def __init__(self, directory, database):
        self.directory, self.database = directory, database

    def way(self, node_dir):
        return PostgresWay(self, node_dir)

    def record(self, key):
        row = run(["psql", "-qAt", "-h", self.directory, "-U", "apm", "-d", self.database, "-c",
                   f"SELECT encode(value, 'hex') FROM apm_store WHERE key = '{key}'"]).stdout.strip()
        return bytes.fromhex(row) if row else None


class PostgresWay:
    def __init__(self, place, node_dir):
        self.proxy = SocketProxy(node_dir / PG_SOCKET, place.directory / PG_SOCKET)
        self.stanza = ('storage "postgresql" {\n'
                       f'  connection_url = "postgresql://apm@/{place.database}?host={node_dir}"\n'
                       f'  lease_duration = "{PostgresStorage.LEASE_S}s"\n}}\n')
        self.cut_off, self.heal, self.close = self.proxy.cut_off, self.proxy.heal, self.proxy.close


class SqliteStorage:
    """Servers on one machine. There is nothing to cut, and a paused holder keeps the kernel's lock."""
    NAME = "sqlite"
    WAYS = ("kill", "pause", "step-down")
    HAS_MUTANT = False
    BOOTS = ("kill", "stop")
    LEASE_S = None

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()

    def taken_over(self, way):
        return way != "pause"

    def new_place(self, number):
        return SqlitePlace(self.directory / f"{number}.db")

    def stop(self):
        pass


class SqlitePlace:
    def __init__(self, file):
        self.file = file

    def way(self, _node_dir):
        return SqliteWay(self.file)

    def record(self, key):
        return sqlite_record(self.file, key)


class SqliteWay:
    def __init__(self, file):
        self.stanza = f'storage "sqlite" {{\n  path = "{file}"\n}}\n'

    def close(self):
        pass


KINDS = {one.NAME: one for one in (PostgresStorage, SqliteStorage)}
