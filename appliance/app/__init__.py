"""The composition root: the only place that builds everything and ties it together.

`serve` runs a box, `demo` one with synthetic callers and agents. Imported by cli only.
"""

from appliance.app.demo import demo
from appliance.app.serve import serve

__all__ = ["demo", "serve"]
