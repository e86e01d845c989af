"""ha: two and three servers on one store, clients that read and write through whoever is active, and the
active one killed, paused beyond its lease, cut off from the store, or told to step down; and two
self-booted servers through azure-sim. Afterwards: no epoch had two nodes, acknowledged writes never go
back to an earlier epoch, another node took over, and the history of every register is linearisable
(history.py). With servers whose fence is gone (server_without_fence) the same checks must find something.
--rounds N is N rounds of every kind; kill-2 is a kill with two nodes."""
import calendar
import http.client
import json
import math
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

import history  # noqa: E402
import ha_storage  # noqa: E402
from history import Op  # noqa: E402
from ports import free_port  # noqa: E402
from server import Server, wait_until  # noqa: E402
from world import World, expect  # noqa: E402

TARGETS = ("anjuna-policy-manager-server", "azure-sim", "server_without_fence")
JOBS = 2
ROUNDS_OF_EACH = True
STORAGES = tuple(ha_storage.KINDS)
PAUSE_S = 30
QUICK_PAUSE_S = 4      # of the test suite
CUT_S = 6              # of which another node serves a part
CALM_S = 0.8           # of load, before and after the trouble
CLIENTS_EACH = 2       # of a node: whoever wakes or takes over is asked at once
REQUEST_S = 3          # then the outcome is not known
TAKEOVER_S = 90


class Node:
    """One server, with a way of its own to the store."""

    def __init__(self, program, directory, place):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(mode=0o755)
        self.name = self.dir.name
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.way = place.way(self.dir)
        self.log = self.dir / "log"
        config = self.dir / "apm.hcl"
        config.write_text(f'disable_mlock = true\nstore_kind = "test"\napi_addr = "{self.address}"\n'
                          f'listener "tcp" {{\n  address = "127.0.0.1:{self.port}"\n  tls_disable = true\n}}\n'
                          + self.way.stanza)
        self.command = ["setpriv", "--pdeathsig", "KILL", program, "server", "-config", config]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(c) for c in self.command], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        expect(wait_until(lambda: self.answers(), 60), f"{self.name} does not answer:\n{self.tail()}")

    def answers(self):
        try:
            return self.call("GET", "sys/health")[0] > 0
        except (OSError, http.client.HTTPException):
            return False

    def unseal(self, key):
        status, answer = self.call("PUT", "sys/unseal", body={"key": key}, seconds=90)
        expect(status == 200 and answer["sealed"] is False, f"{self.name} is not unsealed: {answer}")

    def call(self, method, path, token=None, body=None, seconds=REQUEST_S):
        """(status, JSON or None). Redirects are the caller's to see."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, "/v1/" + path, None if body is None else json.dumps(body),
                               {"X-Vault-Token": token} if token else {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.kill()
        self.way.close()

    def tail(self):
        return self.log.read_text(errors="replace")[-2500:]

    def terms(self):
        """[(epoch, begin)] by its own log; the machine has one clock."""
        found = re.findall(r"^(\S+)Z \[INFO \] ha: active epoch=(\d+)$",
                           self.log.read_text(errors="replace"), re.M)
        return [(int(epoch), stamp(text)) for text, epoch in found]


def stamp(text):
    whole, fraction = text.split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + fraction)


class Registers:
    """What clients write and read: values behind the barrier, read from the store at each request,
    and policies, which the active node serves from its memory."""

    def __init__(self, token):
        self.token = token
        self.names = [f"kv-{i}" for i in range(2)] + [f"policy-{i}" for i in range(2)]

    def read(self, node, name):
        """(done, value); done None: the node served nobody."""
        kind, number = name.split("-")
        path = f"anjuna/r{number}" if kind == "kv" else f"sys/policies/acl/r{number}"
        status, answer = node.call("GET", path, self.token)
        if status == 404:
            return True, None
        if status == 200:
            return True, (answer["data"]["v"] if kind == "kv" else
                          answer["data"]["policy"].split("# ")[1].split("\n")[0])
        expect(status in (307, 503), f"{node.name} answered a read of {name} with {status} {answer}")
        return None, None

    def write(self, node, name, value):
        """True: done; False: not done; None: nobody knows."""
        kind, number = name.split("-")
        if kind == "kv":
            status, answer = node.call("PUT", f"anjuna/r{number}", self.token, {"v": value})
        else:
            text = f'# {value}\npath "x/*" {{ capabilities = ["read"] }}\n'
            status, answer = node.call("PUT", f"sys/policies/acl/r{number}", self.token,
                                       {"policy": text})
        if status in (200, 204):
            return True
        expect(status in (307, 503, 500), f"{node.name} answered a write of {name} with {status} {answer}")
        not_tried = status == 307 or "no active node" in json.dumps(answer or {})
        return False if not_tried else None


class Load:
    """Clients, and everything that they saw."""

    def __init__(self, nodes, registers, seed):
        self.registers = registers
        self.ops = {name: [] for name in registers.names}
        self.acks = []  # (begin, end, node) of acknowledged writes
        self.errors = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.client,
                                         args=(i, nodes[i % len(nodes)], random.Random(f"{seed} {i}")))
                        for i in range(CLIENTS_EACH * len(nodes))]
        for thread in self.threads:
            thread.start()

    def client(self, number, node, chance):
        count = 0
        while not self.stopping.is_set():
            name = chance.choice(self.registers.names)
            try:
                if chance.random() < 0.4:
                    count += 1
                    self.one_write(node, name, f"{number}.{count}")
                else:
                    self.one_read(node, name)
            except Exception as failure:  # told at the end of the round
                self.errors.append(repr(failure))
                return

    def one_read(self, node, name):
        begin = time.time()
        try:
            done, value = self.registers.read(node, name)
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)
            return
        if done:
            self.ops[name].append(Op("read", value, begin, time.time()))
        else:
            time.sleep(0.01)

    def one_write(self, node, name, value):
        begin = time.time()
        try:
            done = self.registers.write(node, name, value)
        except (OSError, http.client.HTTPException):
            done = None
            time.sleep(0.01)
        end = time.time()
        if done is False:
            time.sleep(0.01)
            return
        self.ops[name].append(Op("write", value, begin, end if done else math.inf))
        if done:
            self.acks.append((begin, end, node))

    def acked_after(self, moment, other_than):
        return [ack for ack in list(self.acks) if ack[0] > moment and ack[2] is not other_than]

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class HaWorld:
    def __init__(self, args):
        self.args = args
        self.bin = pathlib.Path(args.bin)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="apm-ha-"))
        self.dir.chmod(0o755)  # the database's user passes through
        self.rounds = 0
        self.cloud_world = None
        self.storage = ha_storage.KINDS[args.storage or STORAGES[0]](self.dir / "storage")

    def new_place(self):
        self.rounds += 1
        return self.storage.new_place(self.rounds)

    def new_nodes(self, count, program):
        place = self.new_place()
        return [Node(self.bin / program, self.dir / f"{self.rounds}-{i}", place) for i in range(count)]

    def pause_s(self, case):
        return QUICK_PAUSE_S if self.args.quick or case["mutant"] else PAUSE_S

    def boots(self):
        if self.cloud_world is None:
            self.cloud_world = World(self.args, vms=("server", "second"))
        return self.cloud_world

    def close(self):
        if self.cloud_world is not None:
            self.cloud_world.close()
        self.storage.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def make_world(args):
    return HaWorld(args)


def bring_up(nodes):
    """Makes the store and unseals all; (token, unseal key)."""
    for node in nodes:
        node.start()
    status, made = nodes[0].call("PUT", "sys/init", body={"secret_shares": 1, "secret_threshold": 1},
                                 seconds=60)
    expect(status == 200, f"init: {status} {made}")
    token, key = made["root_token"], made["keys"][0]
    for node in nodes:
        node.unseal(key)
    active = the_active(nodes)
    status, answer = active.call("POST", "sys/mounts/anjuna", token, {"type": "kv"}, seconds=30)
    expect(status in (200, 204), f"the engine: {status} {answer}")
    return token, key


def the_active(nodes):
    found = []

    def look():
        found[:] = [node for node in nodes
                    if node.process.poll() is None and node.call("GET", "sys/health")[0] == 200]
        return len(found) == 1
    expect(wait_until(look, TAKEOVER_S), f"active nodes: {[n.name for n in found]}\n{nodes[0].tail()}")
    return found[0]


def trouble(way, node):
    if way == "kill":
        node.kill()
    elif way == "pause":
        node.signal(signal.SIGSTOP)
    elif way == "cut":
        node.way.cut_off()


def relief(way, node, key):
    if way == "kill":
        node.start()
        node.unseal(key)
    elif way == "pause":
        node.signal(signal.SIGCONT)
    elif way == "cut":
        node.way.heal()


def check_epochs(nodes, acks):
    """No epoch with two nodes, and no acknowledged write under an earlier epoch than one before it."""
    owner, problems = {}, []
    terms = {node.name: node.terms() for node in nodes}
    for name, found in terms.items():
        for epoch, _ in found:
            if epoch in owner:
                problems.append(f"epoch {epoch} was {owner[epoch]}'s and {name}'s")
            owner[epoch] = name

    def epoch_of(ack):
        begun = [epoch for epoch, begin in terms[ack[2].name] if begin <= ack[1]]
        expect(begun, f"{ack[2].name} acknowledged a write before it was ever active")
        return begun[-1]
    numbered = sorted((ack[0], ack[1], epoch_of(ack), ack[2].name) for ack in acks)
    by_end = sorted(numbered, key=lambda one: one[1])
    highest, position = (0, ""), 0
    for begin, _, epoch, name in numbered:
        while position < len(by_end) and by_end[position][1] < begin:
            highest = max(highest, by_end[position][2:])
            position += 1
        if epoch < highest[0]:
            problems.append(f"{name} acknowledged a write of epoch {epoch} after one of epoch {highest[0]}")
    return problems[:5]


def verdict(nodes, load):
    problems = {name: history.check(ops)[:3] for name, ops in load.ops.items()}
    return {"epochs": check_epochs(nodes, load.acks),
            "histories": {name: found for name, found in problems.items() if found}}


def read_all(nodes, load):
    """What is there in the end belongs to the history."""
    active = the_active(nodes)
    for name in load.registers.names:
        before = len(load.ops[name])
        load.one_read(active, name)
        expect(len(load.ops[name]) == before + 1, f"{name} cannot be read in the end")


def takes_over(world, case, nodes, load, active):
    """The trouble, until another node serves; then its end. What a takeover took: until the other node
    was active, by its log, and until it had acknowledged a write."""
    began = time.time()
    trouble(case["way"], active)
    if case["way"] == "step-down":
        status, answer = active.call("PUT", "sys/step-down", load.registers.token)
        expect(status == 204, f"step-down: {status} {answer}")
    if not world.storage.taken_over(case["way"]):
        return stays(world, case, load, active, began)
    expect(wait_until(lambda: load.errors or load.acked_after(began, active), TAKEOVER_S),
           "nobody took over:\n" + "\n".join(node.tail() for node in nodes))
    expect(not load.errors, f"clients: {load.errors}")
    served = min(ack[1] for ack in load.acked_after(began, active))
    begun = min(begin for node in nodes if node is not active for _, begin in node.terms() if begin > began)
    lasts_s = {"pause": world.pause_s(case), "cut": CUT_S}.get(case["way"], 0)
    time.sleep(max(0, began + lasts_s - time.time()))
    relief(case["way"], active, case["key"])
    return {"takeover_ms": int((begun - began) * 1000), "served_ms": int((served - began) * 1000)}


def stays(world, case, load, active, began):
    """The lease is a lock of the kernel: a paused holder keeps it, and nobody serves meanwhile."""
    time.sleep(world.pause_s(case))
    relief(case["way"], active, case["key"])
    woken = time.time()
    expect(wait_until(lambda: load.errors or [a for a in list(load.acks) if a[0] > woken], TAKEOVER_S),
           f"nobody serves after the pause:\n{active.tail()}")
    expect(not load.acked_after(began, active), "another node served beside a paused holder of the lock")
    return {}


def servers(world, case):
    chance = random.Random(f"{case['id']} {case['round']}")
    nodes = world.new_nodes(case["nodes"], case["program"])
    load = None
    try:
        token, case["key"] = bring_up(nodes)
        load = Load(nodes, Registers(token), f"{case['id']} {case['round']}")
        time.sleep(chance.uniform(CALM_S / 2, CALM_S))
        took = takes_over(world, case, nodes, load, the_active(nodes))
        time.sleep(CALM_S * 2)
        load.stop()
        expect(not load.errors, f"clients: {load.errors}")
        if not case["mutant"]:
            read_all(nodes, load)
        found = verdict(nodes, load)
        check_found(case, found)
        return took | {"acknowledged": len(load.acks),
                       "operations": sum(len(ops) for ops in load.ops.values()),
                       "found": found if case["mutant"] else None}
    finally:
        if load:
            load.stop()
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.signal(signal.SIGCONT)
            node.close()
            shutil.rmtree(node.dir, ignore_errors=True)


def check_found(case, found):
    if case["mutant"]:
        expect(found["epochs"], "writes without a fence were not noticed")
        expect(found["histories"], "the history of servers without a fence looks whole")
    else:
        expect(not found["epochs"] and not found["histories"], json.dumps(found))


class BootedServer(Server):
    """One that boots itself over the store of the round."""

    def __init__(self, boot_world, directory, vm, place):
        self.place = place
        directory.mkdir(mode=0o755)
        self.way = place.way(directory)
        super().__init__(boot_world.cloud, boot_world.image, directory, vm)

    def _template(self, shipped, vm):
        own = self.data / "template.hcl.tpl"
        stanza = re.compile(r'^storage "sqlite" \{.*?^\}\n', re.M | re.S)
        text, count = stanza.subn(lambda _: self.way.stanza, shipped.read_text())
        expect(count == 1, "the template has another storage stanza than is known here")
        own.write_text(text.replace("/vm-server.", f"/vm-{vm}."))
        return own

    def record(self, key):
        return self.place.record(key)


def boots(world, case):
    """Two servers that boot themselves at once over one empty store; then the active one goes."""
    boot_world = world.boots()
    boot_world.fresh()
    place = world.new_place()
    pair = [BootedServer(boot_world, world.dir / f"{world.rounds}-{vm}", vm, place)
            for vm in ("server", "second")]
    try:
        for server in pair:
            server.launch()
        for server in pair:
            expect(server.serving(), f"the boot did not end with serving:\n{server.tail()}")
        return {"takeover_ms": after_boot(world, case, boot_world, pair)}
    finally:
        for server in pair:
            server.kill()
            server.way.close()


def after_boot(world, case, boot_world, pair):
    expect(wait_until(lambda: sorted(s.health() for s in pair) == [200, 429], 30), "not one active node")
    active, standby = sorted(pair, key=lambda s: s.health())
    boot_world.check_settled(active)
    boot_world.write_secret(active)
    began = time.monotonic()
    active.process.send_signal({"kill": signal.SIGKILL, "stop": signal.SIGTERM,
                                "pause": signal.SIGSTOP}[case["way"]])
    expect(standby.becomes_active(), f"nobody took over:\n{standby.tail()}")
    took_ms = int((time.monotonic() - began) * 1000)
    boot_world.check_settled(standby)
    boot_world.check_secret(standby)
    if case["way"] == "pause":
        active.process.send_signal(signal.SIGCONT)
    else:
        expect(active.process.wait(timeout=60) == (0 if case["way"] == "stop" else -signal.SIGKILL),
               f"the active one ended in another way:\n{active.tail()}")
        active.boot()
    expect(active.health() == 429, "the one that came back does not stand by")
    expect(wait_until(lambda: active.api("GET", "sys/leader")[1]["leader_address"], 30),
           f"the one that came back does not know who is active:\n{active.tail()}")
    boot_world.check_secret(active)  # sent to the active one
    return took_ms


def kind(name, way, nodes, mutant=False):
    return {"id": name, "group": name, "way": way, "nodes": nodes, "mutant": mutant, "run": servers,
            "program": "server_without_fence" if mutant else "anjuna-policy-manager-server"}


def enumerate_cases(world):
    storage = world.storage
    cases = [kind(f"{way}-{nodes}", way, nodes) for way in storage.WAYS for nodes in (2, 3)]
    if storage.HAS_MUTANT:
        cases.append(kind("no-fence-2", "pause", 2, mutant=True))
    cases += [{"id": f"boot-{way}", "group": f"boot-{way}", "way": way, "run": boots}
              for way in storage.BOOTS]
    return cases, {"storage": storage.NAME, "lease_s": storage.LEASE_S,
                   "pause_s": QUICK_PAUSE_S if world.args.quick else PAUSE_S}


def notes(entries):
    """How long until another node was active and served, and how much was checked."""
    out = {}
    for group in sorted({entry["group"] for entry in entries}):
        details = [e["detail"] for e in entries if e["group"] == group and e["verdict"] == "passed"]
        found = out[group] = {"operations": sum(d.get("operations", 0) for d in details),
                              "acknowledged_writes": sum(d.get("acknowledged", 0) for d in details)}
        for what in ("takeover_ms", "served_ms"):
            times = [d[what] for d in details if what in d]
            if times:
                found |= {what + "_median": int(statistics.median(times)), what + "_max": max(times)}
    return out


def run_case(world, case):
    return case["run"](world, case)
