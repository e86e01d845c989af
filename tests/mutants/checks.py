"""Finds the checks of a C++ source and writes a copy of it in which each can be switched off.

What is found, without a list of names that somebody would have to keep:
  the condition of every `if` and `?:`, the value of every boolean variable, `return` and argument;
  each part of their && and ||; every argument for a `bool` parameter (so `require(holds, ...)`);
  every APM_CHECK_OK(...), and every Status that a function returns from another one.
Left out: what only words a message, and what an appraisal keeps besides (its verdict() refuses too).
A mutant is one of them ignored: a condition `never` or `always` true, an outcome `ignored`.
"""
import re
from dataclasses import dataclass

from source import Source

COMPARES = {"==", "!=", "<=", ">=", "&&", "||"}
ERROR_MAKER = re.compile(r"^\s*(?:\[\[nodiscard\]\] )?(?:static )?Error (\w+)\(", re.MULTILINE)
REASON = re.compile(r'^"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)"$')


@dataclass
class Mutant:
    file: str
    line: int
    function: str
    kind: str    # never, always, ignored
    text: str    # what is switched off
    reason: str  # the reason code in the same statement, if there is one
    start: int   # where it stands in the source
    end: int
    open: str = "("
    close: str = ")"

    def key(self):
        return (self.file, self.function, self.kind, self.text)


class Declarations:
    """What the folder's own functions look like: who takes a bool where, who makes an Error."""

    def __init__(self, texts, headers):
        self.bool_parameters = {}
        self.error_makers = {"Error"}
        for text in [*texts, *headers]:
            self.error_makers |= set(ERROR_MAKER.findall(text))
        for text in texts:
            self._bools(Source(text))

    def _bools(self, source):
        for i in range(1, len(source.tokens)):
            if source.word(i) != "(" or source.tokens[i - 1].kind != "word":
                continue
            for number, (first, last) in enumerate(source.split(i + 1, source.partner[i], ",")):
                words = [source.word(k) for k in range(first, last)]
                if words[:1] == ["const"]:
                    words = words[1:]
                if len(words) >= 2 and words[0] == "bool" and words[1].isidentifier():
                    self.bool_parameters.setdefault(source.word(i - 1), set()).add(number)


class Finder:
    def __init__(self, path, text, declarations):
        self.path = path
        self.source = Source(text)
        self.known = declarations
        self.found = {}

    def mutants(self):
        source = self.source
        for i, token in enumerate(source.tokens):
            if source.function_at(i) is None:
                continue
            if token.text == "if" and source.word(i + 1) == "(":
                self._if(i)
            elif token.text == "return":
                self._return(i)
            elif token.text == "=" and token.kind == "sign":
                self._assignment(i)
            elif token.text == "?":
                self._ternary(i)
            elif token.text == "APM_CHECK_OK":
                self._outcome(i + 2, source.partner[i + 1])
            elif token.text == "(" and source.tokens[i - 1].kind == "word":
                self._arguments(i)
        return sorted(self.found.values(), key=lambda m: (m.start, -m.end, m.kind))

    # --- places ---
    def _if(self, i):
        source = self.source
        first, last = i + 2, source.partner[i + 1]
        first = source.split(first, last, ";")[-1][0]
        kinds = ("never",) if self._refuses(last + 1) else ("never", "always")
        equals = [k for k in source.top_level(first, last) if source.word(k) == "="]
        if equals:  # a declaration: its name is tested behind it
            name = source.word(equals[0] - 1)
            for kind in kinds:
                self._add(kind, first, last, f"; ::apm_mutants::{kind}(ID, {name})", declared=True)
                kinds = kinds[:1]  # one test behind one declaration
                break
        else:
            self._condition(first, last, kinds)

    def _refuses(self, at):
        if self.source.word(at) == "{":
            at += 1
        if self.source.word(at) != "return":
            return False
        return (self.source.word(at + 1) in self.known.error_makers or
                self.source.slice(at + 1, at + 4) in ("{Code::k",) or
                self.source.slice(at + 1, at + 3) == "{Code")

    def _end(self, at):
        """The index of the `;` or closing bracket that ends an expression, or None."""
        while at < len(self.source.tokens):
            if self.source.word(at) in (";", ",", ")", "}", "]"):
                return at
            at = self.source.skip(at)
        return None

    def _return(self, i):
        last = i + 1
        while self.source.word(last) != ";":
            last = self.source.skip(last)
        function = self.source.function_at(i)
        if self._boolean(i + 1, last) or function.result == "bool":
            if self.source.slice(i + 1, last) not in ("true", "false"):
                self._condition(i + 1, last, ("never", "always"))
        elif function.result == "Status" and last > i + 1:
            called = i + 1
            while self.source.word(called + 1) == "::":
                called += 2
            if self.source.word(called) not in self.known.error_makers | {"{", "Status"} and \
                    not self.source.slice(i + 1, last).endswith(".error()"):
                self._outcome(i + 1, last)

    def _assignment(self, i):
        last = self._end(i + 1)
        is_bool = "bool" in (self.source.word(i - 2), self.source.word(i - 3))
        if last is None or self.source.word(i + 1) == "[" or self.source.word(last) != ";":
            return
        if (self._boolean(i + 1, last) or is_bool) and not self._is_literal(i + 1, last):
            self._condition(i + 1, last, ("never", "always"))

    def _ternary(self, i):
        first = i
        while self.source.word(first - 1) not in ("(", ",", "{", "=", "+=", "-=", "return", ";", "?", ":", "["):
            first -= 1
            if self.source.word(first) in (")", "]", "}"):
                first = self.source.partner[first]
        if not self._in_message(i) and not self._of_texts(i):
            self._condition(first, i, ("never", "always"))

    def _of_texts(self, i):
        """Whether a ?: chooses between two texts, for people: it decides nothing."""
        colon = i + 1
        while self.source.word(colon) != ":":
            colon = self.source.skip(colon)
        return all(self.source.tokens[k].kind in ("string", "raw") or self.source.word(k) == "concat"
                   for k in (i + 1, colon + 1))

    def _arguments(self, i):
        name = self.source.word(i - 1)
        if name in ("if", "for", "while", "switch", "return", "sizeof", "catch", "APM_CHECK_OK", "APM_TRY"):
            return
        if self._in_message(i) or name in self.known.error_makers | {"concat"}:
            return
        foreign = self.source.word(i - 2) == "::" and self.source.word(i - 3) == "std"
        bools = set() if foreign else self.known.bool_parameters.get(name, set())
        if i + 1 == self.source.partner[i]:
            return
        for number, (first, last) in enumerate(self.source.split(i + 1, self.source.partner[i], ",")):
            if first >= last or self.source.word(first) in ("[", "bool", "const"):
                continue
            if number in bools and not self._is_literal(first, last):
                self._condition(first, last, ("always",))  # `holds`: a rule that always holds
            elif self._boolean(first, last):
                self._condition(first, last, ("never", "always"))

    def _outcome(self, first, last):
        words = self.source.slice(first, last)
        if self._whole_call(first, last) and re.search(r"\bappraisal_?\b", words):
            return  # what failed stands in the appraisal, whose verdict() refuses; its conditions are mutants
        self._add("ignored", first, last)

    def _whole_call(self, first, last):
        at = first
        while at < last and self.source.word(at) != "(":
            at += 1
        return at < last and self.source.partner[at] + 1 == last

    # --- expressions ---
    def _boolean(self, first, last):
        """Whether this is a boolean by its looks. A space stands before a `<` that compares."""
        if self.source.word(first) == "!":
            return True
        for at in self.source.top_level(first, last):
            word = self.source.word(at)
            if word == "?":
                return False
            if word in COMPARES and self.source.tokens[at].kind == "sign":
                return True
            if word in ("<", ">") and self.source.text[self.source.tokens[at].start - 1] == " " and \
                    self.source.text[self.source.tokens[at].end] == " ":  # neither a template's nor a shift
                return True
        return False

    def _is_literal(self, first, last):
        return self.source.slice(first, last) in ("true", "false")

    def _condition(self, first, last, kinds):
        """A condition as a whole, then its parts. What a part already says is not said twice."""
        source = self.source
        while source.word(first) == "(" and source.partner[first] == last - 1:
            first, last = first + 1, last - 1
        if any(source.word(at) == "?" for at in source.top_level(first, last)):
            return  # found at its `?`
        ors = source.split(first, last, "||")
        ands = source.split(first, last, "&&") if len(ors) == 1 else []
        if len(ors) > 1:
            kinds = [k for k in kinds if k != "never"]
            self._parts(ors, "never")
        elif len(ands) > 1:
            kinds = [k for k in kinds if k != "always"]
            self._parts(ands, "always")
        elif source.word(first) == "!" and source.word(first + 1) == "(" and \
                source.partner[first + 1] == last - 1:
            self._condition(first + 2, last - 1, ())
        for kind in kinds:
            self._add(kind, first, last)

    def _parts(self, ranges, kind):
        for first, last in ranges:
            self._add(kind, first, last)
            self._condition(first, last, ())

    def _in_message(self, i):
        """Inside the text of an error or of a rule."""
        source = self.source
        function = source.function_at(i)
        for at in range(i - 1, function.first, -1):
            word = source.word(at)
            if word not in ("(", "{") or source.partner[at] < i:
                continue
            if word == "(" and source.word(at - 1) in self.known.error_makers | {"concat"}:
                return True
            if word == "{" and source.word(at + 1) in ("Stage", "Code") and \
                    source.word(at + 2) == "::":
                return True
        return function.result == "Error"

    def _add(self, kind, first, last, suffix=None, declared=False):
        if first >= last:
            return
        source = self.source
        begin, end = source.tokens[first].start, source.tokens[last - 1].end
        if (kind, begin, end) in self.found:
            return
        if self._in_message(first):
            return
        mutant = Mutant(self.path, source.line(first), source.name_at(first), kind,
                        source.slice(first, last), self._reason(last), begin, end,
                        "" if declared else f"::apm_mutants::{kind}(ID, (", suffix or "))")
        self.found[(kind, begin, end)] = mutant

    def _reason(self, at):
        for i in range(at, min(at + 120, len(self.source.tokens))):
            match = REASON.match(self.source.word(i))
            if match:
                return match.group(1)
            if self.source.word(i) == ";":
                return ""
        return ""


def switchable(text, numbered):
    """The source with every mutant of [(number, mutant)] in it, each behind its number."""
    edits = []
    for order, (number, m) in enumerate(numbered):
        width = m.end - m.start
        edits.append((m.start, 1, -width, order, m.open.replace("ID", str(number))))
        edits.append((m.end, 0, width, -order, m.close.replace("ID", str(number))))
    out, at = [], 0
    for position, _, _, _, added in sorted(edits):
        out.append(text[at:position])
        out.append(added)
        at = position
    out.append(text[at:])
    return "".join(out)
