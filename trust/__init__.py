"""Trust: the project tried as a careless user, a bad network, a full disk and an attacker would.

    crashes       killed, interrupted, out of disk, two at once: what is on disk stays whole
    texts         every kind of bad text: what is wanted, or one clear line
    files         checkpoints and published models: broken, forged, fuzzed
    recipes       the catalogue, recipes, settings: every wrong value, and fuzzed
    downloads     hashes, connections, archives, bombs: nothing wrong is ever cached
    hostile       text of a model in HTML, JSON, notebooks, LaTeX, a terminal: only as text
    arithmetic    NaN, overflow, repeated runs, counted targets, extreme temperatures
    dependencies  both ends of the ranges, `pip check`, licences
    soak          an hour of training, sampling and serving: no growth

Each file has `CASES`: what it tries, by name, as functions that take `quick` and return a `Row`.
`make test` runs every case quickly (tests/test_trust.py), `make trust` in full; README.md here is
the table of what came of that.
"""
