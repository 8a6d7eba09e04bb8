r"""Functions in C: which names are declared and used, what is returned, compared and jumped to.

A *use* is an identifier that stands for a value. It is none if it is called, is a member, a label
or a type, has no lower-case letter (a macro, as a rule), stands alone in `sizeof`, or is the last
argument of a macro that takes a member's name there. Nothing is used in inline assembly.

A use is declared if its name is that of a parameter, of a local of a block around it that is
declared before it, or of something at file level in the same piece. An all-capital macro that is
called as a statement declares its arguments, as DEFINE_WAIT(wait) does.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from charrnn.structure.c_grammar import Parsed

_MEMBER_MACRO = re.compile(r"container_of|offsetof|for_each|_entry(?:_|$)")
_MEMBER = re.compile(r"(?:->|\.)\s*\w+")
_TAG = re.compile(r"\b(?:struct|union|enum)\s+\w+")
_JUMP = re.compile(r"\bgoto\s+\w+")
_LABEL = re.compile(r"^[ \t]*\w+[ \t]*:(?!:)", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z_]\w*")
_SPACE = re.compile(r"\s+")
_DOES = re.compile(r"\w\s*\(|\+\+|--")
_ALWAYS_KNOWN = {"current", "jiffies", "__func__", "__FUNCTION__"}
_COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}
_MAYBE_CAST = {"*", "&", "+", "-"}
_NO_VALUES = {
    "string_literal", "concatenated_string", "char_literal", "number_literal", "type_descriptor",
    "struct_specifier", "union_specifier", "field_designator", "type_identifier",
    "offsetof_expression", "function_definition", "type_definition", "alignof_expression",
    "macro_type_specifier",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Characters `start` to `end` of an item or a piece, and what is the matter with them."""

    start: int
    end: int
    kind: str
    """broken, undeclared, unused, vacuous, or returned: by a `void` function"""


@dataclass(frozen=True)
class Use:
    """A name that a function uses, so many lines below its first, and whether it is declared."""

    name: str
    line: int
    declared: bool


@dataclass
class Function:
    """A function, and what was found in it."""

    name: str
    void: bool
    """It returns nothing: its type is `void`, and no pointer."""
    statements: int = 0
    """Statements of its outermost block."""
    values: int = 0
    """`return` with a value."""
    uses: list[Use] = field(default_factory=list)
    locals: list[str] = field(default_factory=list)
    """Names of all locals, without parameters."""
    unused: list[str] = field(default_factory=list)
    """Those that do not occur in the function again."""
    calls: list[str] = field(default_factory=list)
    comparisons: int = 0
    vacuous: list[str] = field(default_factory=list)
    """Comparisons of a thing with itself; what calls or counts on is no thing."""
    assignments: int = 0
    """Those with =."""
    self_assigned: list[str] = field(default_factory=list)
    jumps: list[str] = field(default_factory=list)
    """The labels of `goto`."""
    labels: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def functions(item: Parsed, known: Collection[str] = ()) -> list[Function]:
    """The functions that an item defines. `known`: names of things at file level."""
    nodes = [node for node in item.root.children if node.type == "function_definition"]
    return [_Walk(item, node, known).function for node in nodes]


def file_names(item: Parsed) -> Iterator[tuple[str, bool]]:
    """The names that an item declares at file level, and whether each is a function's."""
    for node in item.root.children:
        yield from ((name, False) for name in _enumerators(node))
        if node.type in ("function_definition", "declaration"):
            for declarator in node.children_by_field_name("declarator"):
                if name := _name(declarator):
                    yield name, _through(declarator, "function_declarator") is not None


def _parts(declarator) -> Iterator:
    """A declarator, and the one inside it, down to the name."""
    while declarator is not None:
        yield declarator
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type == "parenthesized_declarator":
            inner = next(iter(declarator.named_children), None)
        declarator = inner


def _name(declarator) -> str | None:
    last = list(_parts(declarator))[-1]
    return last.text.decode() if last.type == "identifier" else None


def _through(declarator, kind: str):
    return next((part for part in _parts(declarator) if part.type == kind), None)


def _enumerators(node) -> Iterator[str]:
    kind = node if node.type == "enum_specifier" else node.child_by_field_name("type")
    body = kind.child_by_field_name("body") if kind is not None else None
    for child in body.named_children if body is not None and kind.type == "enum_specifier" else ():
        if (name := child.child_by_field_name("name")) is not None:
            yield name.text.decode()


class _Walk:
    """One pass over a function, in the order of its text, with the names that are in scope."""

    def __init__(self, item: Parsed, node, known: Collection[str]) -> None:
        self.item, self.known, self.top = item, known, node.start_point.row
        self.scopes: list[list[str]] = []
        self.inside: Counter[str] = Counter()
        self.todo: list[Callable] = []
        self.where: dict[str, object] = {}  # the node that declares a local
        header, body = (node.child_by_field_name(n) for n in ("declarator", "body"))
        kind = node.child_by_field_name("type")
        void = kind is not None and kind.text == b"void" and header.type != "pointer_declarator"
        self.function = Function(_name(header) or "", void)
        self._enter()
        takes = _through(header, "function_declarator")
        self._parameters(takes)
        self.function.statements = len(body.named_children)
        self._later(body)
        while self.todo:
            self.todo.pop()()
        self._count_unused(node)

    def _find(self, node, kind: str) -> None:
        self.function.findings.append(Finding(node.start_byte, node.end_byte, kind))

    def _later(self, *nodes) -> None:
        """Visit nodes in their order, before what already waits."""
        for node in reversed(nodes):
            if node.type not in _NO_VALUES:
                self.todo.append(lambda node=node: self._visit(node))

    def _enter(self) -> None:
        self.scopes.append([])

    def _leave(self) -> None:
        self.inside.subtract(self.scopes.pop())

    def _declare(self, name: str) -> None:
        self.scopes[-1].append(name)
        self.inside[name] += 1

    def _parameters(self, declarator) -> None:
        found = declarator.child_by_field_name("parameters") if declarator is not None else None
        for parameter in found.named_children if found is not None else ():
            inner = parameter.child_by_field_name("declarator")
            if inner is not None and (name := _name(inner)):
                self._declare(name)

    def _visit(self, node) -> None:
        handle = getattr(self, f"_{node.type}", None)
        if handle is None:
            self._later(*node.named_children)
        else:
            handle(node)

    def _identifier(self, node) -> None:
        name = node.text.decode()
        if name.upper() != name and name not in _ALWAYS_KNOWN:
            declared = self.inside[name] > 0 or name in self.known
            self.function.uses.append(Use(name, node.start_point.row - self.top, declared))
            if not declared:
                self._find(node, "undeclared")

    def _compound_statement(self, node) -> None:
        self._enter()
        self.todo.append(self._leave)
        self._later(*node.named_children)

    _for_statement = _compound_statement

    def _declaration(self, node) -> None:
        for name in _enumerators(node):
            self._declare(name)
        for declarator in reversed(node.children_by_field_name("declarator")):
            self._later(*self._values(declarator))
            self.todo.append(lambda declarator=declarator: self._local(declarator))

    def _enum_specifier(self, node) -> None:
        for name in _enumerators(node):
            self._declare(name)

    def _values(self, declarator) -> Iterator:
        """What a declarator evaluates: the sizes of arrays, and the first value."""
        for part in _parts(declarator):
            for name in ("size", "value"):
                if (value := part.child_by_field_name(name)) is not None:
                    yield value

    def _local(self, declarator) -> None:
        name, takes = _name(declarator), _through(declarator, "function_declarator")
        if takes is not None and name == "uninitialized_var":
            # unsigned int uninitialized_var(x): the macro's argument is what is declared.
            inside = takes.child_by_field_name("parameters").named_children
            name = inside[0].text.decode() if len(inside) == 1 else None
        if name:
            self._declare(name)
            if takes is None or _through(declarator, "pointer_declarator") is not None:
                self.function.locals.append(name)
                self.where[name] = list(_parts(declarator))[-1]

    def _call_expression(self, node) -> None:
        called, arguments = (node.child_by_field_name(n) for n in ("function", "arguments"))
        given = list(arguments.named_children) if arguments is not None else []
        if called.type == "identifier":
            name = called.text.decode()
            self.function.calls.append(name)
            if _MEMBER_MACRO.search(name) and given[-1:]:
                given.pop()
        elif _lone(called) is None:  # else (u32)(x), which only looks like a call
            self._later(called, *given)
            return
        self._later(*given)

    def _expression_statement(self, node) -> None:
        self._later(*node.named_children)
        call = node.named_children[0] if node.named_children else None
        if call is not None and call.type == "call_expression":
            called, arguments = (call.child_by_field_name(n) for n in ("function", "arguments"))
            if called.type == "identifier" and called.text.upper() == called.text:
                for given in arguments.named_children:
                    if given.type == "identifier":
                        self._declare(given.text.decode())

    def _sizeof_expression(self, node) -> None:
        value = node.child_by_field_name("value")
        if value is not None and _lone(value) is None:
            self._later(value)

    def _field_expression(self, node) -> None:
        self._later(node.child_by_field_name("argument"))

    def _cast_expression(self, node) -> None:
        self._later(node.child_by_field_name("value"))

    _compound_literal_expression = _cast_expression

    def _labeled_statement(self, node) -> None:
        label, *rest = node.named_children
        self.function.labels.add(label.text.decode())
        self._later(*rest)

    def _goto_statement(self, node) -> None:
        label = node.child_by_field_name("label")
        if label is not None and label.type == "statement_identifier":
            self.function.jumps.append(label.text.decode())

    def _return_statement(self, node) -> None:
        self.function.values += bool(node.named_children)
        if node.named_children and self.function.void:
            self._find(node, "returned")
        self._later(*node.named_children)

    def _binary_expression(self, node) -> None:
        left, right = self._sides(node)
        sign = node.child_by_field_name("operator").type
        if sign in _COMPARISONS:
            self.function.comparisons += 1
            if self._same(left, right):
                self.function.vacuous.append(self._written(node))
                self._find(node, "vacuous")
        # (u32) * x and (u32) & x may be casts.
        cast = sign in _MAYBE_CAST and _lone(left) is not None
        self._later(*([right] if cast else [left, right]))

    def _assignment_expression(self, node) -> None:
        left, right = self._sides(node)
        if node.child_by_field_name("operator").type == "=":
            self.function.assignments += 1
            if self._same(left, right):
                self.function.self_assigned.append(self._written(node))
        self._later(left, right)

    def _sides(self, node) -> tuple:
        return node.child_by_field_name("left"), node.child_by_field_name("right")

    def _written(self, node) -> str:
        """A node as it stands in the text, with single spaces."""
        return _SPACE.sub(" ", self.item.text[node.start_byte : node.end_byte])

    def _same(self, left, right) -> bool:
        if left.end_byte - left.start_byte > 200 or "literal" in left.type:
            return False
        one, other = (_SPACE.sub("", self._written(side)) for side in (left, right))
        return one == other and not _DOES.search(one)

    def _count_unused(self, node) -> None:
        code = self.item.code[node.start_byte : node.end_byte]
        for other in (_MEMBER, _TAG, _JUMP, _LABEL):  # names of other kinds, which may be the same
            code = other.sub(" ", code)
        found, times = Counter(_WORD.findall(code)), Counter(self.function.locals)
        self.function.unused = [name for name, n in times.items() if found[name] <= n]
        for name in self.function.unused:
            self._find(self.where[name], "unused")


def _lone(node):
    """The identifier that stands in parentheses on its own, or None."""
    inside = node.named_children if node.type == "parenthesized_expression" else []
    return inside[0] if len(inside) == 1 and inside[0].type == "identifier" else None
