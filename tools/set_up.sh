#!/usr/bin/env bash
# Make a virtual environment at $1 and install the pinned requirements and this project into it.
set -euo pipefail
venv=$1
good='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3 python3.12 python3.13 python3.11; do
    if "$candidate" -c "$good" 2>/dev/null; then python=$candidate; break; fi
  done
fi
if [ -z "$python" ] || ! "$python" -c "$good" 2>/dev/null; then
  echo "Python 3.11, 3.12 or 3.13 is needed; found ${python:-none}. Give one with: make PYTHON=/path/to/python3.12" >&2
  exit 2
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null || {
  echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 2
}
# Half made (no pip yet), moved (its commands name another folder) or of another Python: made anew.
healthy="import sys, pip; assert sys.prefix in open(sys.prefix + '/bin/pip').read(); $good"
if ! "$venv/bin/python" -c "$healthy" 2>/dev/null; then
  clear=()
  if [ -e "$venv/pyvenv.cfg" ]; then clear=(--clear); fi
  "$python" -m venv ${clear[@]+"${clear[@]}"} "$venv"
fi
index=()
if [ -n "${TORCH_INDEX:-}" ]; then
  index=(--extra-index-url "$TORCH_INDEX")
elif [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then
  cpu=https://download.pytorch.org/whl/cpu
  probe="import urllib.request as u; u.urlopen('$cpu/torch/', timeout=5)"
  if "$venv/bin/python" -c "$probe" 2>/dev/null; then
    index=(--extra-index-url "$cpu")
  else
    echo "$cpu cannot be reached: PyTorch is taken from pip's usual index, where it may be several GB"
  fi
fi
echo "Installing into $venv${index[*]:+ (the CPU build of PyTorch)}; this takes a minute or two"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check ${index[@]+"${index[@]}"} -r requirements.txt
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -e .
