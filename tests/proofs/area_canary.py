"""canary: the demo, again and again, with the search for its secrets: master key, shares, storage key,
PFX password, TLS key, root token and secret value, in command lines, environments, logs and files. A
leak that only shows in some interleaving shows in some round."""
import json
import pathlib
import sys
import tempfile

from world import expect, run

JOBS = 1  # every process of the machine is looked at: another demo's workload would be one of them
ROUNDS = 10


class Place:
    def __init__(self, args):
        self.args = args

    def close(self):
        pass


def make_world(args):
    return Place(args)


def enumerate_cases(_world):
    return [{"id": f"demo {n}", "group": "demo"} for n in range(1, ROUNDS + 1)], {}


def run_case(place, _case):
    demo = pathlib.Path(__file__).resolve().parents[1] / "demo/demo.py"
    with tempfile.NamedTemporaryFile(suffix=".json") as summary:
        run([sys.executable, demo, "--bin", place.args.bin, "--image", place.args.image, "--summary",
             summary.name], timeout=300)
        figures = json.loads(pathlib.Path(summary.name).read_text())
    expect(figures["canary_hits"] == 0, f"{figures['canary_hits']} canaries")
    expect([b["key_releases"] for b in figures["boots"]] == [1, 1], "not one key release a boot")
    return {"boots_ms": [b["total_ms"] for b in figures["boots"]]}
