"""boot-kill: the server is ended by SIGKILL around every external request and every commit of its
store, in first and later boots. The simulator counts the requests and the fault store the commits;
the boot itself is not asked. Whatever was cut off: the next boot serves, nothing is lost, and there
is never an initialised store whose keys the vault does not keep."""
from world import World, expect

JOBS = 3
POINTS = ("connect", "received", "replied")  # before it is sent, after it is received, after its reply


def make_world(args):
    return World(args)


def begin(world, boot):
    world.fresh() if boot == "first" else world.lived_in()


def with_fault_store(world, kill_at=""):
    # With an API key to write down, a later boot has something to commit too.
    return {"EPID_API_KEY": "00112233445566778899aabbccddeeff",
            "APM_SERVER": str(world.bin / "boot_with_fault_store"),
            "APM_PROOF_COUNT_FILE": str(world.dir / "commits"), "APM_PROOF_KILL_AT": kill_at}


def external_requests(world, boot):
    begin(world, boot)
    before = len(world.cloud.log())
    world.server.boot()
    world.server.kill()
    return world.cloud.log()[before:]


def commits(world, boot):
    begin(world, boot)
    (world.dir / "commits").write_text("0")
    world.server.boot(**with_fault_store(world))
    world.server.kill()
    return int((world.dir / "commits").read_text())


def enumerate_cases(world):
    cases, counts = [], {}
    for boot in ("first", "later"):
        requests = external_requests(world, boot)
        stored = commits(world, boot)
        expect(requests and stored, f"a {boot} boot made no request or no commit")
        counts[f"{boot} boot"] = {"requests": len(requests), "commits": stored,
                                  "kills": len(POINTS) * len(requests) + 2 * stored}
        for number, request in enumerate(requests, 1):
            what = f"{request['method']} {request['service']} {request['path'].split('?')[0][:60]}"
            cases += [{"id": f"{boot} request {number} {point}", "group": f"{boot} boot, {point}",
                       "boot": boot, "request": number, "point": point, "what": what}
                      for point in POINTS]
        for number in range(1, stored + 1):
            cases += [{"id": f"{boot} commit {number} {point}", "group": f"{boot} boot, {point} commit",
                       "boot": boot, "commit": number, "point": point, "what": "commit"}
                      for point in ("before", "after")]
    return cases, counts


def run_case(world, case):
    begin(world, case["boot"])
    server = world.server
    if "request" in case:
        server.boot_killed(before=lambda pid: world.cloud.kill(pid, case["request"], case["point"]))
    else:
        server.boot_killed(**with_fault_store(world, f"{case['point']} {case['commit']}"))
    world.cloud.no_faults()
    initialised = world.check_custody(server) is not None
    if case["boot"] == "later":
        expect(initialised, "a later boot left the store uninitialised")
    server.boot()
    world.check_settled(server)
    if case["boot"] == "later":
        world.check_secret(server)
        expect(len(world.cloud.versions("apm-root-token")) == 1, "another root token was made")
        server.kill()
    else:
        world.write_secret(server)
        server.kill()
        server.boot()
        world.check_settled(server)
        world.check_secret(server)
        server.kill()
    return {"initialised_when_killed": initialised}
