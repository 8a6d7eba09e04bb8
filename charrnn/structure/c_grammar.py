r"""C by its grammar: an item of `c_text`, parsed by tree-sitter, and the mistakes in it.

No preprocessor runs, so before an item is parsed these become spaces: comments, what stands inside
quotation marks, preprocessor lines (of an #if both branches stay), inline assembly, the kernel's
annotations such as `__init` and `__user`, and all-capital names before a string. What is still no C
to a parser without macros is forgiven: a call without a semicolon that heads a block, that has
"for_each" in its name, or that is an all-capital one at file level; and a field of bits that has no
name. One thing the grammar takes for a declaration is a mistake: a line that is a call without a
semicolon, above a line that begins with a word in the same column.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from charrnn.structure.c_text import CText, Item, bracket_marks
from charrnn.structure.nesting import nest

_ANNOTATION = re.compile(
    r"\b(?:__(?:init|exit|initdata|initconst|exitdata|devinit|devexit|devinitdata|cpuinit|cpuexit|"
    r"meminit|net_init|net_exit|ref|refdata|sched|kprobes|user|kernel|iomem|percpu|rcu|force|"
    r"nocast|safe|bitwise|must_check|malloc|maybe_unused|used|unused|always_inline|cold|hot|weak|"
    r"pure|noreturn|deprecated|visible|packed|read_mostly|attribute_const__|lockfunc|irq_entry|"
    r"exception|init_refok|cacheline_aligned|cacheline_aligned_in_smp)|____cacheline_aligned|"
    r"____cacheline_aligned_in_smp|noinline|asmlinkage|notrace)\b(?!\s*\()"
)
_TAG_ARGUMENT = re.compile(r"(?<=[,(])(\s*)(struct|union|enum)(\s+)(\w+)(?=\s*[,)])")
_STRING_MACROS = re.compile(r"(?:\b[A-Z_][A-Z0-9_]*\s+)+(?P<string>\")?")
_ASM = re.compile(r"\b(?:asm|__asm__|__asm)\b[ \t\w]*\(")
_GLUED = re.compile(
    r"^([ \t]+)(?!(?:if|for|while|switch|\w*for_each\w*)\b)"
    r"\w+[ \t]*\([^;{}\n]*\)[ \t]*\n+\1(?=[A-Za-z_*])",
    re.MULTILINE,
)
_NOT_BLANK = re.compile(r"\S")
_AT_FILE_LEVEL = {
    "function_definition", "declaration", "type_definition", "struct_specifier", "union_specifier",
    "enum_specifier", ";",
}  # fmt: skip


@dataclass(frozen=True)
class Parsed:
    """An item with its syntax tree."""

    text: str
    """As it stands in the piece."""
    code: str
    """Without comments and what is quoted; as long as `text`."""
    root: object
    """tree-sitter's node of it all; its bytes are the characters of `text`."""
    mistakes: int
    """Places where the grammar broke."""
    sound: bool
    """It has no mistake and is something that may stand in a file."""


def parse(piece: CText, item: Item) -> Parsed:
    """An item of a piece of source, parsed on its own.

    ImportError: tree-sitter or its grammar of C is not installed.
    """
    span = slice(item.start, item.end)
    code = prepared(piece.plain[span])
    root = _tree(code)
    glued = 0 if root.has_error else len(_GLUED.findall(code))
    mistakes = sum(_mistakes(root)) + glued + item.stray
    legal = all(child.type in _AT_FILE_LEVEL or _callee(child) for child in _heads(root))
    return Parsed(piece.text[span], piece.code[span], root, mistakes, not mistakes and legal)


def prepared(plain: str) -> str:
    """Code without comments and directives as the grammar wants it, each character in its place."""
    plain = _ANNOTATION.sub(lambda m: " " * len(m.group()), plain)
    plain = _STRING_MACROS.sub(
        lambda m: _blank(m.group()[:-1]) + '"' if m["string"] else m.group(), plain
    )
    # A tag among a macro's arguments becomes a name like a macro's.
    plain = _TAG_ARGUMENT.sub(lambda m: m[1] + _blank(m[2] + m[3]) + m[4].upper(), plain)
    return _without_asm(plain) if _ASM.search(plain) else plain


def _without_asm(code: str) -> str:
    rounds = nest(mark for mark in bracket_marks(code) if mark.name == "(")
    ends = {pair.opening.start: pair.closing.end for pair in rounds.pairs}
    parts, at = [], 0
    for match in _ASM.finditer(code):
        end = ends.get(match.end() - 1)
        if end is not None and match.start() >= at:
            parts += [code[at : match.start()], _blank(code[match.start() : end])]
            at = end
    return "".join([*parts, code[at:]])


def _blank(text: str) -> str:
    return _NOT_BLANK.sub(" ", text)


@cache
def _parser():
    try:
        import tree_sitter
        import tree_sitter_c
    except ImportError as missing:
        raise ImportError(
            f"C is parsed by tree-sitter ({missing}): pip install tree-sitter tree-sitter-c"
        ) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def _tree(code: str):
    """The root of a syntax tree in which a byte is a character."""
    return _parser().parse(code.encode("ascii", "replace")).root_node


def _heads(root) -> Iterator:
    """What an item consists of; a block behind a macro's call belongs to the call."""
    before = None
    for child in root.children:
        if not (child.type == "compound_statement" and before is not None and _callee(before)):
            yield child
        before = child


def _callee(statement) -> str | None:
    """The name of the function or macro that a statement calls, where it is such a call."""
    if statement.type != "expression_statement" or not statement.children:
        return None
    called = statement.children[0].child_by_field_name("function")
    return called.text.decode() if called is not None and called.type == "identifier" else None


def _mistakes(root) -> Iterator[bool]:
    """Whether each place where the grammar broke is a mistake."""
    # A node, what follows it, and the same of its parent, which `top` says is at file level.
    stack = [(root, None, None, None, False)]
    while stack:
        node, follower, parent, behind, top = stack.pop()
        if node.is_missing:
            yield not _forgiven(node, parent, behind, top)
        elif node.is_error:
            yield True
        elif node.has_error:
            children = node.children
            inside = parent is not None and parent.type == "translation_unit"
            for child, following in zip(children, [*children[1:], None], strict=True):
                stack.append((child, following, node, follower, inside))


def _forgiven(node, parent, behind, top: bool) -> bool:
    """Whether what is missing is a macro's semicolon, or the name of a field of bits."""
    if node.type == "field_identifier":
        return any(child.type == "bitfield_clause" for child in parent.children)
    called = _callee(parent) if node.type == ";" else None
    if called is None:
        return False
    heads = behind is not None and behind.type == "compound_statement"
    return heads or "for_each" in called or (top and called.upper() == called)
