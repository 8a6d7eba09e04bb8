# Find the project this chapter belongs to; on Colab, fetch it first. Colab's own torch stays.
import subprocess
import sys
from pathlib import Path

above = [Path.cwd(), *Path.cwd().parents, Path("/content/project")]
root = next((p for p in above if (p / "charrnn" / "__init__.py").is_file()), None)
if root is None and "google.colab" in sys.modules:
    pip = f"{sys.executable} -m pip install -q"
    fetch = "git clone -q --depth 1 https://github.com/charrnn/charrnn /content/project"
    packages = "pooch 'pyspellchecker<1' zstandard tree-sitter tree-sitter-c pypdfium2"
    steps = f"{pip} {packages} && {fetch} && {pip} --no-deps -e /content/project"
    subprocess.run(steps, shell=True, check=True)
    root = Path("/content/project")
if root is not None and str(root) not in sys.path:
    sys.path.insert(0, str(root))
