"""The composition root: the only place that builds everything and ties it together.

`serve` runs a box, `demo` one with synthetic callers and agents. Imported by cli only.
"""
