"""Builds the engine into the extension `_engine` (cffi, API mode, stable ABI: one file for every Python from 3.11).

`python -m appliance.media.engine.build` builds it in place; `pip install` comes here through pyproject.toml. Imports
only cffi and setuptools, since pip calls it before anything else is there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from cffi import FFI
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

HERE = Path("appliance/media/engine")
NAME = "appliance.media.engine._engine"
FLAGS = ["-std=c11", "-O2", "-fvect-cost-model=dynamic", "-fno-strict-aliasing", "-fvisibility=hidden"]
FLAGS += ["-Wall", "-Wextra"]
OPTIONAL = {"opus": ("opus/opus.h", "opus"), "srtp": ("srtp2/srtp.h", "srtp2")}
"""What the engine can do without: name -> (header, library). HAKO_LEAVE_OUT names some to be built without."""


def _contract(folder: Path) -> str:
    text = (folder / "engine.h").read_text()
    return text.partition("/* contract-begin */")[2].partition("/* contract-end */")[0]


def write_source(root: Path) -> None:
    """Writes `_engine.c`, the glue between Python and `engine.h`."""
    ffi = FFI()
    ffi.cdef(_contract(root / HERE))
    ffi.set_source(NAME, '#include "engine.h"', py_limited_api=True)
    ffi.emit_c_code(str(root / HERE / "_engine.c"))


def left_out() -> list[str]:
    """Of OPTIONAL what this machine has no headers of, or is not wanted."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    unwanted = os.environ.get("HAKO_LEAVE_OUT", "").replace(",", " ").split()

    def missing(header: str) -> bool:
        command = [*compiler, "-E", "-o", os.devnull, "-x", "c", "-"]
        return subprocess.run(command, input=f"#include <{header}>\n".encode(), capture_output=True).returncode != 0

    return [name for name, (header, _) in OPTIONAL.items() if name in unwanted or missing(header)]


def extension(root: Path) -> Extension:
    """The extension; its sources are named relative to `root`."""
    without = left_out()
    for name in without:
        print(f"the media engine is built without {name}", file=sys.stderr)
    sources = sorted(str(path.relative_to(root)) for path in (root / HERE).glob("*.c"))
    return Extension(
        NAME,
        sources,
        include_dirs=[str(HERE)],
        depends=sorted(str(path.relative_to(root)) for path in (root / HERE).glob("*.h")),
        define_macros=[
            ("_GNU_SOURCE", "1"),
            ("Py_LIMITED_API", "0x030b0000"),
            *((f"HAKO_WITHOUT_{name.upper()}", "1") for name in without),
        ],
        extra_compile_args=FLAGS,
        libraries=[library for name, (_, library) in OPTIONAL.items() if name not in without] + ["m", "dl"],
        extra_link_args=["-pthread"],
        py_limited_api=True,
    )


class BuildEngine(build_ext):  # type: ignore[misc] # setuptools has no types
    """`build_ext` that makes the glue first and finds all of the engine's sources itself."""

    def finalize_options(self) -> None:
        """Makes the glue before anybody looks for sources. With HAKO_WITHOUT_ENGINE set there is nothing to build."""
        if os.environ.get("HAKO_WITHOUT_ENGINE"):
            self.distribution.ext_modules = []
        else:
            write_source(Path())
            self.distribution.ext_modules = [extension(Path())]
        super().finalize_options()

    def get_source_files(self) -> list[str]:
        """What a source distribution has to carry."""
        return [str(path) for path in sorted(HERE.glob("*.[ch]")) if path.name != "_engine.c"]


def build_in_place() -> None:
    """Puts the built extension beside its sources; the working folder is the repository's."""
    attributes: dict[str, Any] = {"ext_modules": [extension(Path())], "cmdclass": {"build_ext": BuildEngine}}
    distribution = Distribution(attributes)
    command = distribution.get_command_obj("build_ext")
    assert command is not None
    command.inplace = True
    command.force = True
    command.build_temp = "build/engine"
    command.ensure_finalized()
    command.run()


if __name__ == "__main__":
    if not HERE.is_dir():
        sys.exit("start this in the repository's folder")
    build_in_place()
