# Find the project this chapter belongs to; on Colab, fetch it first. Colab's own torch stays.
import subprocess
import sys
from pathlib import Path

root = next((p for p in [Path.cwd(), *Path.cwd().parents] if (p / "charrnn").is_dir()), None)
if root is None and "google.colab" in sys.modules:
    fetch = "git clone -q --depth 1 https://github.com/charrnn/charrnn project"
    install = "pip install -q pooch pyspellchecker && pip install -q --no-deps -e project"
    subprocess.run(f"{fetch} && {install}", shell=True, check=True)
    root = Path("project").resolve()
if root is not None and str(root) not in sys.path:
    sys.path.insert(0, str(root))
