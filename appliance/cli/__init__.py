"""The `hako` command. `main` reads the arguments; each command has its file, imported when it is asked for.

May import everything; nothing imports it. Exit status: 0 done, 1 it could not be done (said in words), 2 wrong usage.
"""

from appliance.cli.main import main

__all__ = ["main"]
