"""Just enough of C++ to find conditions: tokens, matching brackets, and the function around a place."""
import re
from dataclasses import dataclass

TOKEN = re.compile(r'''
    (?P<space>\s+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>^\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
  | (?P<char>'(?:[^'\\\n]|\\.)+')
  | (?P<number>\.?\d(?:[\w.]|'(?=\w))*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><=>|->\*|\.\.\.|<<=|>>=|::|->|&&|\|\||==|!=|<=|>=|\+\+|--|<<|[-+*/%&|^]=|.)
''', re.VERBOSE | re.DOTALL | re.MULTILINE)

OPEN = {"(": ")", "[": "]", "{": "}"}
TYPE_WORDS = {"struct", "class", "enum", "union"}
NO_TYPE = {"static", "inline", "constexpr", "virtual", "explicit", "friend", "nodiscard", "noreturn", "const"}


@dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass
class Function:
    name: str
    result: str  # its return type, "" for a lambda that names none
    first: int   # token indexes of its braces
    last: int


def tokens_of(text):
    out = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "mark" else "raw"
        if kind not in ("space", "comment", "directive"):
            out.append(Token(kind, match.group(), match.start(), match.end()))
    return out


class Source:
    def __init__(self, text):
        self.text = text
        self.tokens = tokens_of(text)
        self.partner = self._match()
        self.functions = list(self._functions())

    def _match(self):
        partner, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.kind != "sign":
                continue
            if token.text in OPEN:
                stack.append(i)
            elif token.text in OPEN.values():
                first = stack.pop()
                if OPEN[self.tokens[first].text] != token.text:
                    raise ValueError(f"brackets do not match at byte {token.start}")
                partner[first], partner[i] = i, first
        if stack:
            raise ValueError("a bracket is not closed")
        return partner

    def word(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def slice(self, first, last):
        """The text of tokens first..last-1, on one line."""
        if first >= last:
            return ""
        return " ".join(self.text[self.tokens[first].start:self.tokens[last - 1].end].split())

    def line(self, i):
        return self.text.count("\n", 0, self.tokens[i].start) + 1

    def skip(self, i):
        """The index behind token i, or behind the bracket that it opens."""
        return self.partner[i] + 1 if self.word(i) in OPEN else i + 1

    def split(self, first, last, sign):
        """Ranges between top-level `sign`s."""
        out, at, begin = [], first, first
        while at < last:
            if self.word(at) == sign and self.tokens[at].kind == "sign":
                out.append((begin, at))
                begin = at + 1
            at = self.skip(at)
        out.append((begin, last))
        return out

    def top_level(self, first, last):
        at = first
        while at < last:
            yield at
            at = self.skip(at)

    def _header_start(self, brace):
        """Where the declaration begins whose body opens at `brace`."""
        at = brace - 1
        while at >= 0:
            word = self.word(at)
            if word in (")", "]"):
                at = self.partner[at] - 1
                continue
            if word == "}" and self.word(at + 1) in (",", "{", ")"):  # a member's initialiser
                at = self.partner[at] - 1
                continue
            if word in (";", "{", "}") or (word == ":" and self.word(at - 1) in
                                           ("public", "private", "protected")):
                return at + 1
            at -= 1
        return 0

    def _functions(self):
        yield from self._within(0, len(self.tokens))

    def _within(self, first, last):
        at = first
        while at < last:
            if self.word(at) != "{":
                at += 1
                continue
            begin = self._header_start(at)
            head = [self.word(i) for i in range(begin, at)]
            if "namespace" in head or (TYPE_WORDS & set(head) and "(" not in head):
                yield from self._within(at + 1, self.partner[at])
            elif "(" in head and "=" not in head[:head.index("(")]:
                yield self._function(begin, at)
                yield from self._lambdas(at + 1, self.partner[at])
            at = self.partner[at] + 1

    def _function(self, begin, brace):
        paren = begin
        while self.word(paren) != "(":
            paren = self.partner[paren] + 1 if self.word(paren) == "[" else paren + 1
        name, at = self.word(paren - 1), paren - 2
        while self.word(at) == "::" and at > begin:
            name, at = self.word(at - 1) + "::" + name, at - 2
        words = [self.word(i) for i in range(begin, at + 1)]
        if "template" in words and ">" in words:
            words = words[words.index(">") + 1:]
        kept = [w for w in words if w not in NO_TYPE and w not in "[]"]
        return Function(name, "".join(kept), brace, self.partner[brace])

    def _lambdas(self, first, last):
        for at in range(first, last):
            if self.word(at) != "{":
                continue
            before = at - 1
            result = ""
            arrow = before
            while arrow > first and (self.tokens[arrow].kind == "word" or self.word(arrow) in
                                     ("::", "<", ">", "*", "&")):
                arrow -= 1
            if self.word(arrow) == "->":
                result = "".join(self.word(i) for i in range(arrow + 1, at))
                before = arrow - 1
            while self.word(before) in ("mutable", "noexcept"):
                before -= 1
            if self.word(before) == ")":
                before = self.partner[before] - 1
            if self.word(before) == "]":
                yield Function("lambda", result, at, self.partner[at])

    def function_at(self, i):
        around = [f for f in self.functions if f.first < i < f.last]
        return max(around, key=lambda f: f.first) if around else None

    def name_at(self, i):
        around = sorted((f for f in self.functions if f.first < i < f.last), key=lambda f: f.first)
        return around[0].name if around else ""
