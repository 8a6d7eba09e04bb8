"""Assemble the page's module, charrnn/static/charrnn.mjs, from the sources beside it.

python tools/page.py [--check] [--kernel]

The worker's sources become one string inside the page's, so that the module is a single file that
also works from a blob. `--check` writes nothing and fails where the file is stale. `--kernel`
compiles kernel.ts into kernel.wasm first (node and npm; the compiler is fetched by npx).
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STATIC = Path(__file__).resolve().parents[1] / "charrnn" / "static"
COMPILER = "assemblyscript@0.28.20"
FLAGS = ["-O3", "--noAssert", "--enable=simd", "--runtime=stub", "--importMemory"]
NOTE = "// Assembled by tools/page.py from the files in src/; change those.\n"
IMPORT = re.compile(r'^import \{[^}]+\} from "\./([\w-]+)\.mjs";\n', re.MULTILINE)
NAME = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)


def sources(entry: str) -> dict[str, str]:
    """The module and what it imports, each after everything that it needs."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        text = generated(name) or (STATIC / "src" / f"{name}.mjs").read_text(encoding="utf-8")
        for needed in IMPORT.findall(text):
            visit(needed)
        found[name] = text

    visit(entry)
    return found


def generated(name: str) -> str | None:
    """The modules that are made here: the kernel, the worker's source, the style sheet."""
    if name == "kernel":
        encoded = base64.b64encode((STATIC / "kernel.wasm").read_bytes()).decode()
        return f'export const KERNEL = "{encoded}";\n'
    if name == "source":
        return f"export const WORKER = {json.dumps(joined('worker'))};\n"
    if name == "style":
        css = (STATIC / "src" / "page.css").read_text(encoding="utf-8")
        return f"export const STYLE = {json.dumps(css)};\n"
    return None


def joined(entry: str) -> str:
    """A module with all its imports as one text without imports or named exports."""
    parts, owners = [], {}
    for name, text in sources(entry).items():
        for defined in NAME.findall(text):
            if defined in owners:
                raise ValueError(f"{defined} is in {owners[defined]}.mjs and in {name}.mjs")
            owners[defined] = name
        body = re.sub(r"^export (?!default)", "", IMPORT.sub("", text), flags=re.MULTILINE)
        if re.search(r"^import\b", body, re.MULTILINE):
            raise ValueError(f"{name}.mjs has an import of a form that this program does not know")
        parts.append(body.strip("\n"))
    return "\n\n".join(parts) + "\n"


def compile_kernel(target: Path) -> None:
    """kernel.ts as WebAssembly, by the pinned compiler."""
    command = ["npx", "--yes", "-p", COMPILER, "asc", str(STATIC / "kernel.ts"), "-o", str(target)]
    subprocess.run([*command, *FLAGS], check=True, cwd=target.parent)


def problems() -> list[str]:
    """What is stale; the kernel is compiled anew only where npx is at hand."""
    found = []
    if (STATIC / "charrnn.mjs").read_text(encoding="utf-8") != NOTE + joined("main"):
        found.append("charrnn/static/charrnn.mjs is stale; run python tools/page.py")
    if shutil.which("npx") and "--kernel" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            compile_kernel(target := Path(folder) / "kernel.wasm")
            if target.read_bytes() != (STATIC / "kernel.wasm").read_bytes():
                found.append("kernel.wasm is not what kernel.ts compiles to; run with --kernel")
    return found


def main() -> int:
    if set(sys.argv[1:]) - {"--check", "--kernel"}:
        sys.exit(__doc__)
    if "--check" in sys.argv:
        bad = problems()
        print("\n".join(bad) if bad else "charrnn.mjs is what its sources make")
        return bool(bad)
    if "--kernel" in sys.argv:
        compile_kernel(STATIC / "kernel.wasm")
    (STATIC / "charrnn.mjs").write_text(NOTE + joined("main"), encoding="utf-8")
    size = (STATIC / "charrnn.mjs").stat().st_size
    print(f"charrnn/static/charrnn.mjs: {size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
