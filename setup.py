"""Build the two extension modules; where that fails, install segcore without them.

Environment variables:

- ``SEGCORE_REQUIRE_NATIVE=1``: an extension that cannot be compiled is an error.
- ``SEGCORE_PURE=1``: neither extension, and so a wheel for every platform.
- ``SEGCORE_SANITIZE=address,undefined``: compile with these sanitizers, for tests only.
- ``SEGCORE_BUILD_JOBS=N``: compile N files at a time; by default one for each core.
"""

import ast
import os
import sys
from pathlib import Path

import pybind11
from Cython.Build import cythonize
from pybind11.setup_helpers import ParallelCompile
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError


def is_set(variable):
    return os.environ.get(variable, "0") not in ("", "0")


REQUIRE_NATIVE = is_set("SEGCORE_REQUIRE_NATIVE")
PURE = is_set("SEGCORE_PURE")
SANITIZE = os.environ.get("SEGCORE_SANITIZE", "")


def version():
    """Read the version without importing the package, which needs NumPy."""
    return ast.literal_eval(Path("segcore/_version.py").read_text("utf-8").split("=")[1].strip())


def sources(*patterns):
    return sorted(str(path) for pattern in patterns for path in Path().glob(pattern))


class BuildExtensions(build_ext):
    """Compile every extension afresh, and survive one that does not compile."""

    def finalize_options(self):
        super().finalize_options()
        # The compiler and its flags come from the environment, which has no timestamp.
        self.force = True

    def build_extension(self, ext):
        self._add_flags(ext)
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError) as error:
            if REQUIRE_NATIVE:
                raise
            # An older build's binary must not take the place of the one that failed.
            Path(self.get_ext_fullpath(ext.name)).unlink(missing_ok=True)
            self.warn(
                f"{ext.name} could not be compiled. segcore works without it, but slower: install "
                "Numba for the fallback kernels, or a C++17 compiler and then segcore again. "
                f"SEGCORE_REQUIRE_NATIVE=1 makes this an error. The compiler's: {error}"
            )

    def _add_flags(self, ext):
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = ["/O2", "/fp:precise", "/DNDEBUG"]
            if ext.language == "c++":
                ext.extra_compile_args += ["/std:c++17", "/EHsc", "/bigobj"]
            return
        # No -march: instruction sets are chosen at run time. No fused multiply-add, so that
        # every machine gives the same pixels.
        ext.extra_compile_args = ["-g0", "-DNDEBUG", "-ffp-contract=off", "-fvisibility=hidden"]
        if ext.language == "c++":
            ext.extra_compile_args += ["-O3", "-std=c++17"]
        else:  # Cython's, which calls Python all the time: 40% smaller, and as fast
            ext.extra_compile_args += ["-Os"]
        if SANITIZE:
            flags = [f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all"]
            ext.extra_compile_args += [*flags, "-O1", "-g1", "-fno-omit-frame-pointer"]
            ext.extra_link_args = flags
        elif sys.platform == "linux":
            # Functions that were inlined everywhere leave copies behind.
            ext.extra_compile_args += ["-ffunction-sections", "-fdata-sections"]
            ext.extra_link_args = ["-Wl,--gc-sections,--strip-all"]


def extensions():
    native = Extension(
        "segcore._native",
        sources("src/core/*.cpp", "src/simd/*.cpp", "src/bind/*.cpp"),
        language="c++",
        include_dirs=["src", pybind11.get_include()],
        define_macros=[("SEGCORE_VERSION", f'"{version()}"')],
        depends=sources("src/**/*.hpp", "src/**/*.inl"),
    )
    [coco] = cythonize("segcore/formats/_coco.pyx", build_dir="build/cython", language_level=3)
    for extension in (native, coco):
        extension.optional = not REQUIRE_NATIVE
    return [native, coco]


with ParallelCompile("SEGCORE_BUILD_JOBS"):
    setup(ext_modules=[] if PURE else extensions(), cmdclass={"build_ext": BuildExtensions})
