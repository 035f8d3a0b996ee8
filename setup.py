"""Build the two extension modules; where that fails, install segcore without them.

Environment variables:

- ``SEGCORE_REQUIRE_NATIVE=1``: an extension that cannot be compiled is an error.
- ``SEGCORE_PURE=1``: neither extension, and so a wheel for every platform.
- ``SEGCORE_SANITIZE=address,undefined``: compile with these sanitizers, for tests only.
- ``SEGCORE_BUILD_JOBS=N``: compile N files at a time; by default one for each core.

Without a C++17 compiler, and in a pure build, Numba is a requirement wherever it has wheels.
"""

import ast
import os
import platform
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

import pybind11
from Cython.Build import cythonize
from pybind11.setup_helpers import ParallelCompile
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

# After setuptools, which brings it.
from distutils.ccompiler import new_compiler  # isort: skip
from distutils.sysconfig import customize_compiler  # isort: skip

# A program that a compiler for the native kernels accepts.
PROBE = """
#include <Python.h>
#include <optional>
#include <thread>
int segcore_probe() {
    if (std::optional<int> found = 17; found) return *found;
    return 0;
}
"""
# Where Numba has wheels: requiring it elsewhere would make pip compile LLVM's binding, and fail.
# Numba 0.61 has no wheels for 3.14, but newer ones have, which pip then takes.
NUMBA_MARKER = (
    "platform_python_implementation == 'CPython' and python_version < '3.16' and ("
    "(sys_platform == 'linux' and platform_machine in 'x86_64 aarch64')"
    " or (sys_platform == 'darwin' and platform_machine == 'arm64')"
    " or (sys_platform == 'win32' and platform_machine == 'AMD64'))"
)


def is_set(variable):
    return os.environ.get(variable, "0") not in ("", "0")


REQUIRE_NATIVE = is_set("SEGCORE_REQUIRE_NATIVE")
PURE = is_set("SEGCORE_PURE")
SANITIZE = os.environ.get("SEGCORE_SANITIZE", "")


def version():
    """Read the version without importing the package, which needs NumPy."""
    return ast.literal_eval(Path("segcore/_version.py").read_text("utf-8").split("=")[1].strip())


def compiler_works():
    """Compile and link a tiny C++17 module with the compiler that the build would take."""
    msvc = sys.platform == "win32" and "mingw" not in sysconfig.get_platform()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.cpp")
        source.write_text(PROBE, "utf-8")
        try:
            compiler = new_compiler()
            customize_compiler(compiler)
            objects = compiler.compile(
                [str(source)],
                output_dir=folder,
                include_dirs=[sysconfig.get_paths()["include"]],
                extra_postargs=["/std:c++17"] if msvc else ["-std=c++17"],
            )
            compiler.link_shared_object(objects, str(Path(folder, "probe.so")), target_lang="c++")
        except (BaseError, CCompilerError, OSError):
            return False
    return True


def requirements():
    """Require NumPy, and Numba too for an installation that will have no native kernels."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    required = project["tool"]["segcore"]["dependencies"]
    if not PURE and (REQUIRE_NATIVE or compiler_works()):
        return required
    # Neither condition can be said by a marker: a pure wheel is built without regard to them.
    without_gil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    musl = sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    if not PURE and (without_gil or musl):
        return required
    numba = project["project"]["optional-dependencies"]["numba"]
    return required + [f"{requirement}; {NUMBA_MARKER}" for requirement in numba]


def sources(*patterns):
    return sorted(str(path) for pattern in patterns for path in Path().glob(pattern))


def binding():
    """Write one translation unit that holds all of src/bind: pybind11's headers take longest."""
    unit = Path("build/bind/all.cpp")
    unit.parent.mkdir(parents=True, exist_ok=True)
    names = (Path(source).name for source in sources("src/bind/*.cpp"))
    unit.write_text("".join(f'#include "bind/{name}"\n' for name in names), "utf-8")
    return unit.as_posix()


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
                f"{ext.name} could not be compiled. segcore works without it, but slower: on Numba "
                "where that is installed, else on NumPy. For the native kernels, install a C++17 "
                "compiler and then segcore again. SEGCORE_REQUIRE_NATIVE=1 makes this an error. "
                f"The compiler's error: {error}"
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
        [binding(), *sources("src/core/*.cpp", "src/json/*.cpp", "src/simd/*.cpp")],
        language="c++",
        include_dirs=["src", pybind11.get_include()],
        define_macros=[("SEGCORE_VERSION", f'"{version()}"')],
        depends=sources("src/**/*.h*", "src/**/*.inl", "src/bind/*.cpp"),
    )
    coco = Extension("segcore.formats._coco", ["segcore/formats/_coco.pyx"], include_dirs=["src"])
    [coco] = cythonize(coco, build_dir="build/cython", language_level=3)
    for extension in (native, coco):
        extension.optional = not REQUIRE_NATIVE
    return [native, coco]


required = requirements()
with ParallelCompile("SEGCORE_BUILD_JOBS"):
    setup(
        install_requires=required,
        ext_modules=[] if PURE else extensions(),
        cmdclass={"build_ext": BuildExtensions},
    )
