"""Checks what clients saw of registers: whether one order of all operations exists in which each takes
effect at one moment between its begin and its end, and each read gives the value written last before
it (linearisability). Every written value is unique, so the check is exact and quick: a write and the
reads of its value form a cluster, and Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput.
26(4), 1997), section 4, say when clusters can stand in a row.

A write whose outcome is not known may take effect at any time after its begin, or never."""
import collections
import dataclasses
import math


@dataclasses.dataclass
class Op:
    kind: str      # "write" or "read"
    value: object  # what was written or read
    begin: float
    end: float     # math.inf: a write whose outcome is not known


def check(ops, initial=None):
    """What is wrong with the history of one register; an empty list: nothing."""
    writes = {initial: Op("write", initial, -math.inf, -math.inf)}
    reads = collections.defaultdict(list)
    for op in ops:
        if op.kind == "read":
            reads[op.value].append(op)
            continue
        assert op.value not in writes, f"{op.value} was written twice"
        writes[op.value] = op
    problems = [f"{value} was read and never written" for value in reads if value not in writes]
    zones = []
    for value, write in writes.items():
        cluster = [write, *reads[value]]
        early = [op for op in reads[value] if op.end < write.begin]
        problems += [f"{value} was read at {op.end:.3f}, before it was written" for op in early]
        if write.end == math.inf and len(cluster) == 1:
            continue  # it may never have been made
        first_end = min(op.end for op in cluster)
        last_begin = max(op.begin for op in cluster)
        zones.append((min(first_end, last_begin), max(first_end, last_begin),
                      first_end < last_begin, value))
    return problems + overlaps(zones)


def overlaps(zones):
    """In a forward zone the register holds one value throughout: two of them may not overlap, and no
    cluster that fits between two moments may lie within one of another value."""
    problems = []
    forward = sorted(zone for zone in zones if zone[2])
    for before, after in zip(forward, forward[1:]):
        if after[0] < before[1]:
            problems.append(f"{before[3]} and {after[3]} were both there around {after[0]:.3f}")
    for low, high, is_forward, value in zones:
        inside = [zone for zone in forward if zone[0] < low and high < zone[1]] if not is_forward else []
        problems += [f"{value} was there within {zone[3]}'s time, around {low:.3f}" for zone in inside]
    return problems


def self_test():
    def w(value, begin, end=math.inf):
        return Op("write", value, begin, end)

    def r(value, begin, end):
        return Op("read", value, begin, end)

    good = {
        "in order": [w(1, 0, 1), r(1, 2, 3), w(2, 4, 5), r(2, 6, 7)],
        "both orders of two writes at once": [w(1, 0, 5), w(2, 1, 4), r(1, 6, 7)],
        "a read during a write sees either": [w(1, 0, 1), w(2, 2, 6), r(1, 3, 4), r(2, 4.5, 5)],
        "an unknown write late": [w(1, 0), w(2, 1, 2), r(2, 3, 4), r(1, 5, 6)],
        "an unknown write never": [w(1, 0), r(None, 1, 2), w(2, 3, 4), r(2, 5, 6)],
        "the value of the beginning": [r(None, 0, 1), w(1, 2, 3)],
    }
    bad = {
        "an acknowledged write is lost": [w(1, 0, 1), r(None, 2, 3)],
        "an old value after a new one": [w(1, 0, 1), w(2, 2, 3), r(2, 4, 5), r(1, 6, 7)],
        "a stale read": [w(1, 0, 1), w(2, 2, 3), r(1, 4, 5)],
        "a value that nobody wrote": [w(1, 0, 1), r(7, 2, 3)],
        "a value before its write": [r(1, 0, 1), w(1, 2, 3)],
        "two reads at odds during one write": [w(1, 0, 1), w(2, 2, 9), r(2, 3, 4), r(1, 5, 6)],
        "an unknown write undone": [w(1, 0, 1), w(2, 2), r(2, 3, 4), r(1, 5, 6)],
        "a whole write within another's time": [w(1, 0, 1), w(2, 2, 3), r(1, 5, 6)],
    }
    for name, ops in good.items():
        assert not check(ops), (name, check(ops))
    for name, ops in bad.items():
        assert check(ops), name


if __name__ == "__main__":
    self_test()
    print("the history checker tells good histories from bad ones")
