"""What the last error of a boot says."""
import re

from world import expect


def error_of(text):
    line = next((one for one in reversed(text.splitlines()) if "[ERROR]" in one), "")
    expect(line, f"the boot ended without an error:\n{text[-2000:]}")
    return line.replace("\\x0a", "\n")


def expect_error(text, reason, *says):
    """The error of the boot has this reason code (a pattern) and says these things."""
    line = error_of(text)
    found = re.search(r"reason=(\S+)", line)
    expect(found and re.fullmatch(reason, found.group(1)), f"the reason should be {reason}: {line}")
    for text in says:
        expect(text in line, f"the error does not say \"{text}\": {line}")
    return line
