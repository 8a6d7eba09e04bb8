r"""LaTeX that means harm: what tries to read, write or run something, and what never ends.

Each attack is run as `typeset` runs a body, in a folder beside which a secret lies; all that is
left in the folder, with what a PDF compresses, is searched for the secret, and everything around it
is compared with what was there before.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

SECRET = "a line that no page may show"
READERS = {
    "input": r"\csname @@input\endcsname {path} ",
    "input in ^^": r"\csname ^^40^^40input\endcsname {path} ",
    "openin": r"\newread\r\openin\r={path} \read\r to\x \typeout{{\meaning\x}}",
    "verbatiminput": r"\verbatiminput{{{path}}}",
    "include": r"\include{{{path}}}",
    "InputIfFileExists": r"\InputIfFileExists{{{path}}}{{}}{{}}",
    "pdffiledump": r"\typeout{{\pdffiledump offset 0 length 40{{{path}}}}}",
    "pdfmdfivesum": r"\typeout{{\pdfmdfivesum file{{{path}}}}}",
    "pdfobj": r"\immediate\pdfobj stream file{{{path}}}\pdfrefobj\pdflastobj",
    "pdfobj, as a primitive": (
        r"\immediate\pdfprimitive\pdfobj stream file{{{path}}}\pdfrefobj\pdflastobj"
    ),
    "pdfobj, by its name": (
        r"\immediate\csname pdfobj\endcsname file{{{path}}}\pdfrefobj\pdflastobj"
    ),
    "pdfximage": r"\pdfximage{{{path}}}\pdfrefximage\pdflastximage",
    "font": r"\font\x={path} \x a",
    "pdfmapfile": r"\pdfmapfile{{{path}}}",
    "pdfmapline": r"\pdfmapline{{=cmr10 CMR10 <<{path}}}\font\x=cmr10 \x a",
    "special": r"\special{{psfile={path}}}\special{{pdf:image ({path})}}",
    "pipe": r'\csname @@input\endcsname "|cat {path}" ',
}
"""Ways to read a file, whose {path} is absolute, or relative with ../."""
WRITERS = {
    "openout": r"\immediate\openout5={path} \immediate\write5{{x}}\immediate\closeout5",
    "openout |": r'\immediate\openout5="|touch {path}" \immediate\closeout5',
    "write18": r"\immediate\write18{{touch {path}}}",
    "write18, late": r"\write18{{touch {path}}}",
    "pipe": r'\csname @@input\endcsname "|touch {path}" ',
}
BOMBS = {
    "a macro that calls itself": r"\def\x{\x}\x",
    "one that piles up": r"\def\x{\x\x}\x",
    "a text that doubles": r"\def\x{aaaaaaaa}\def\y{\edef\x{\x\x}\y}\y",
    "registers without end": r"\def\x{\newcount\a\x}\x",
    "pages without end": r"\def\x{\shipout\hbox{}\x}\x",
    "a file without end": (
        r"\immediate\openout5=big \def\x{\immediate\write5{aaaaaaaaaaaaaaa}\x}\x"
    ),
    "files without end": (
        r"\newcount\n \newcount\m \def\x{\immediate\write5{aaaaaaaaaaaaaaaaaaaaaaaaaaaaa}"
        r"\advance\m1 \ifnum\m<99000 \expandafter\x\fi}"
        r"\def\y{\advance\n1 \immediate\openout5=f\the\n \m=0 \x\y}\y"
    ),
    "a question": r"\errorstopmode \read-1 to\x \read16 to\x \nonsense",
    "a fork bomb": r"\immediate\write18{f(){ f|f& };f}",
}
"""What takes time, memory or disk without end."""
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)


def attacks(secret: Path) -> dict[str, str]:
    """Bodies that read `secret` or write beside it, by name; they run in a folder beside it."""
    found = {}
    for kind, ways in (("reads", READERS), ("writes", WRITERS)):
        file = secret if kind == "reads" else secret.with_name("made.tex")
        for name, way in ways.items():
            for how, path in (("absolute", str(file)), ("relative", f"../{file.name}")):
                found[f"{name} {kind} {how}"] = way.format(path=path)
    return found


def harm(body: str, secret: Path, engine, seconds: float = 20) -> list[str]:
    """Run a body beside the secret: what it got at. Its folder is removed again."""
    from charrnn import typeset

    before = _state(secret.parent)
    with TemporaryDirectory(dir=secret.parent) as folder:
        whole = typeset.PREAMBLE + "Text. " + body + "\n\\end{document}\n"
        (Path(folder) / "text.tex").write_text(whole, encoding="utf-8")
        typeset._run(engine, Path(folder), True, seconds)
        found = [
            f"{path.name} has the secret"
            for path in Path(folder).iterdir()
            if path.name != "text.tex" and shows(path.read_bytes())
        ]
    return found + [f"{path} came or changed" for path in _state(secret.parent) ^ before]


def shows(data: bytes) -> bool:
    """Whether a file has the secret: its letters, as hexadecimal digits, or its MD5."""
    plain = b" ".join([data, *map(_inflated, _STREAM.findall(data))])
    hexadecimal, text = SECRET.encode().hex(), (SECRET + "\n").encode()
    forms = (SECRET, hexadecimal[:24], hashlib.md5(text).hexdigest())
    joined = plain.replace(b"\n", b"").lower()
    return any(form.encode() in joined for form in forms)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, 10_000_000)
    except zlib.error:
        return b""


def _state(folder: Path) -> set[tuple[str, int]]:
    return {(str(p), p.stat().st_mtime_ns) for p in folder.iterdir() if p.is_file()}
