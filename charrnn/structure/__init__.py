"""Measures of whether a generated text holds together, a file each, as pure functions of strings.

Every measure is the same call on a model's samples and on held-out real text of the same length,
which is the yardstick. A share comes as `Share(hits, total)`, never as a bare percentage.

Import the file by name: `from charrnn.structure import copying, words`.
"""
