"""Everything that checks segcore. `nox -l` lists the sessions, `nox -s tests` runs one.

What follows a `--` goes to pytest: `nox -s tests -- -k encode`. Another Python: `nox -P 3.13 -s
tests`. The suite runs on what a user would install, the built wheel or sdist, and never on the
folder `segcore` of the checkout, which has no compiled modules. These are built first, unless the
environment variable SEGCORE_DIST names a folder that holds them.
"""

import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "cpp", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv, where it is installed, is faster

PYPROJECT = nox.project.load_toml("pyproject.toml")
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
DEPENDENCIES = PYPROJECT["tool"]["segcore"]["dependencies"]

CXX = os.environ.get("CXX", "g++")
CPP = ["-std=c++17", "-Isrc", "-ffp-contract=off", "-pthread"]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
# What the session `wheel` leaves in dist/.
DIST = Path(os.environ.get("SEGCORE_DIST", "dist"))
SDIST, NATIVE, PURE = "*.tar.gz", "*-cp*.whl", "*-none-any.whl"
# Sessions at the same time must not both prepare the session `wheel`.
WHEEL = [] if "SEGCORE_DIST" in os.environ else ["wheel"]
LARGEST_WHEEL = 1_700_000  # bytes
COVERED = 95  # per cent of lines
# What the tests want besides segcore itself.
TEST_TOOLS = [each for each in EXTRAS["test"] if not each.startswith(PROJECT["name"])]
# It drives Chromium as the system has it, for the tests of HTML pages.
BROWSER = "playwright>=1.50"


def test_files(*names):
    """Find tests by name, whatever the folder."""
    return [str(path) for name in names for path in Path("tests").rglob(f"test_{name}.py")]


# What says the most in the least time, where the whole suite runs on another backend.
ESSENTIAL = test_files(
    *("minimal", "golden", "masks", "overlap_api", "compose", "nms", "soft", "argmax"),
    *("panoptic", "panoptic_presets", "metrics", "morphology", "diagnosis"),
)
# What depends on what is installed. The kernels' tests run wherever all backends are.
INSTALLATION = test_files("packaging", "backends", "arrays", "coco", "cli", "leaks")
# What depends on the versions of click, rich and Pillow.
COMMANDS = ["tests/cli", *test_files("draw", "panoptic_ids", "report")]


def cpp_files(*folders):
    return sorted(str(path) for folder in folders for path in Path(folder).glob("*.cpp"))


def run_each(session, commands):
    """Run commands that do not depend on each other, one on each core at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda each: session.run(*each, external=True, silent=True), commands))


def built(pattern):
    """Find what the session `wheel` left in dist/."""
    [path] = DIST.glob(pattern)
    return path


def install_compiled(session, *requirements, **env):
    """Install what is compiled now, by this environment: uv would take what another built."""
    session.install("--no-cache-dir", *map(str, requirements), env=env)


def backends(session, **env):
    """Ask the installed package which backend it chooses, and which it has."""
    code = "from segcore import backends; print(backends.current(), *backends.available())"
    env = {"PYTHONSAFEPATH": "1", **env}
    current, *available = session.run("python", "-c", code, env=env, silent=True).split()
    return current, available


def run_suite(session, *args, expect, profile="brief", **env):
    """Run pytest on the installed package, which must choose the backend that we expect.

    ``profile`` says how many examples Hypothesis makes: see tests/conftest.py.
    """
    if (chosen := backends(session, **env)[0]) != expect:
        session.error(f"expected the backend {expect}, but segcore chose {chosen}")
    session.log(f"the suite on {expect}")
    # Safe path: neither pytest nor the processes that tests start find the checkout's segcore.
    env = {"PYTHONSAFEPATH": "1", "HYPOTHESIS_PROFILE": profile, **env}
    session.run("python", "-m", "pytest", *args, *session.posargs, env=env)


@nox.session
def wheel(session):
    """Build the sdist, and from it the wheel and the pure wheel, into dist/."""
    if "SEGCORE_DIST" in os.environ:
        session.log(f"{DIST} holds what was built before")
        return
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build", "pip")
    session.run("python", "-m", "build", env={"SEGCORE_REQUIRE_NATIVE": "1"})
    pure = ["python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist"]
    session.run(*pure, built(SDIST), env={"SEGCORE_PURE": "1"})
    for path in (built(NATIVE), built(PURE)):
        session.log(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
        if path.stat().st_size >= LARGEST_WHEEL:
            session.error(f"a wheel is smaller than {LARGEST_WHEEL / 1e6:g} MB")


@nox.session(requires=WHEEL)
def tests(session):
    """Run the whole suite on the wheel, slow tests included, on the backend that segcore chooses.

    That covers the kernels of every instruction set. Before it, what is built on the kernels runs
    on each of the other sets. SEGCORE_BACKEND, where it is set, is the only backend.
    """
    # One test asks setup.py what it would require.
    requires = PYPROJECT["build-system"]["requires"]
    session.install(f"{built(NATIVE)}[test,arrow]", BROWSER, *requires)
    best, available = backends(session)
    if "SEGCORE_BACKEND" not in os.environ:
        if not best.startswith("native:"):
            session.error(f"segcore chose {best}, although the wheel has native kernels")
        for backend in reversed(available):
            if backend.startswith("native:") and backend != best:
                run_suite(session, *ESSENTIAL, expect=backend, SEGCORE_BACKEND=backend)
    profile = os.environ.get("HYPOTHESIS_PROFILE", "quick")
    browser = "1" if shutil.which("chromium") else "0"
    run_suite(session, "--slow", expect=best, profile=profile, SEGCORE_REQUIRE_BROWSER=browser)


@nox.session(requires=WHEEL)
@nox.parametrize("numba", [True, False])
def nocompiler(session, numba):
    """Test the pure wheel, which brings Numba, and on NumPy an sdist that did not compile.

    Not the kernels' own tests: the session `tests` runs these on every backend.
    """
    files = [*ESSENTIAL, *INSTALLATION]
    if numba:
        session.install(f"{built(PURE)}[cli]", *TEST_TOOLS)
        run_suite(session, *files, expect="numba")
        return
    nothing = {"CC": "/bin/false", "CXX": "/bin/false", "SEGCORE_REQUIRE_NATIVE": "0"}
    # Without its requirements: Numba would be one of them.
    install_compiled(session, "--no-deps", built(SDIST), **nothing)
    session.install(*DEPENDENCIES, *EXTRAS["cli"], *TEST_TOOLS)
    # Named, plain NumPy is chosen without the warning, which is an error in tests.
    run_suite(session, *files, expect="reference", SEGCORE_BACKEND="reference")


@nox.session(requires=WHEEL)
def mindeps(session):
    """Test with the oldest NumPy and, of each extra, the oldest packages: what depends on them.

    That is every kernel once on each backend, the API, all commands, and data sets.
    """
    extras = ("numba", "cli", "arrow", "formats")
    promised = DEPENDENCIES + [each for extra in extras for each in EXTRAS[extra]]
    oldest = [re.sub(r">=([\d.]+)$", r"==\1.*", each) for each in promised]
    session.install(f"{built(NATIVE)}[test]", *oldest)
    run_suite(session, *ESSENTIAL, *INSTALLATION, *COMMANDS, expect=backends(session)[0])


@nox.session(requires=WHEEL)
def clients(session):
    """Run what meets other people's code; this installs PyTorch, gigabytes on Linux."""
    theirs = ["torchmetrics[detection]", "supervision", "faster-coco-eval", "lvis", "sahi"]
    theirs += ["torchvision", "transformers", "joblib", "ultralytics", "rfdetr"]
    theirs += ["duckdb", "polars", "pandas", "datasets", "s3fs", "moto[server]"]
    session.install(f"{built(NATIVE)}[test,arrow]", *theirs)
    names = ["compat_clients", "documents", "integrations", "integrations_torchmetrics"]
    names += ["bfloat16", "processes"]
    names += ["soft_torch", "argmax_torch", "panoptic_rules_torch", "parquet", "arrow"]
    run_suite(session, *test_files(*names), expect=backends(session)[0])


@nox.session(requires=WHEEL)
def lint(session):
    """Check the form of the code: ruff, mypy, the extension's stub, clang-format, clang-tidy."""
    session.install(f"{built(NATIVE)}[lint]", "pybind11")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    allowed = Path(session.create_tmp()).resolve() / "allowed"
    # What pybind11 and Cython add: a metaclass, and special methods.
    allowed.write_text(
        "segcore._native.(Kernels|JsonReader|JsonTable)\nsegcore.formats._coco.__\\w+__\n"
    )
    stubtest = [
        "mypy.stubtest",
        "segcore._native",
        "segcore.formats._coco",
        "--allowlist",
        str(allowed),
    ]
    stubtest += ["--mypy-config-file", "pyproject.toml"]
    session.run("python", "-m", *stubtest, env={"PYTHONSAFEPATH": "1"})
    folders = ("src/core", "src/json", "src/simd", "src/bind", "tests/cpp", "tests/cpp/fuzz")
    sources = [str(path) for folder in folders for path in Path(folder).glob("*.[chi]*")]
    session.run("clang-format", "--dry-run", "-Werror", *sorted(sources))
    tidy = [
        ["clang-tidy", "--quiet", each, "--", *CPP] for each in cpp_files("src/core", "src/json")
    ]
    # The core is compiled with these warnings by the session `cpp`.
    includes = session.run("python", "-m", "pybind11", "--includes", silent=True).split()
    system = [each.replace("-I", "-isystem") for each in includes]
    check = [CXX, *CPP, *WARNINGS, *system, "-fsyntax-only", "-fvisibility=hidden", "-DNDEBUG"]
    check.append('-DSEGCORE_VERSION="lint"')
    # One unit of all, as in setup.py: most of the time goes into pybind11's headers.
    included = [word for each in cpp_files("src/bind") for word in ("-include", each)]
    run_each(session, [*tidy, [*check, *included, "-x", "c++", os.devnull]])


@nox.session(requires=WHEEL)
def docs(session):
    """Build the user guide and the API reference; whatever Sphinx warns of is an error."""
    session.install(f"{built(NATIVE)}[docs]")
    shutil.rmtree("docs/_build", ignore_errors=True)
    strict = ["--fail-on-warning", "--keep-going", "--quiet"]
    env = {"PYTHONSAFEPATH": "1"}
    session.run("python", "-m", "sphinx", *strict, "docs", "docs/_build", env=env)


def build_cpp_tests(session, *flags, compiler=CXX, measured=()):
    """Build the program of tests/cpp; ``measured`` are further flags for what it tests."""
    folder = Path(session.create_tmp()).resolve() / Path(compiler).name
    folder.mkdir(exist_ok=True)
    sources = cpp_files("tests/cpp", "src/core", "src/json", "src/simd")
    objects = [str(folder / each.replace("/", "_").replace(".cpp", ".o")) for each in sources]
    command, program = [compiler, *CPP, *flags], str(folder / "cpp-tests")
    pairs = zip(sources, objects, strict=True)
    run_each(
        session,
        [
            [*command, *(() if source.startswith("tests") else measured), "-c", source, "-o", to]
            for source, to in pairs
        ],
    )
    session.run(*command, *measured, *objects, "-o", program, external=True)
    return program


def run_cpp_tests(session, *flags):
    session.run(build_cpp_tests(session, *flags), external=True)


@nox.session(venv_backend="none")
def cpp(session):
    """Test the C++ core on its own, compiled with every warning an error."""
    run_cpp_tests(session, "-O2", *WARNINGS)


def install_sanitized(session, sanitizers):
    """Test the core and install segcore, with sanitizers; give what Python must load first."""
    flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-O1", "-g1"]
    run_cpp_tests(session, *flags)
    build = {"SEGCORE_SANITIZE": sanitizers, "SEGCORE_REQUIRE_NATIVE": "1"}
    install_compiled(session, f"{built(SDIST)}[test]", **build)
    runtimes = {"address": "libasan.so", "undefined": "libubsan.so", "thread": "libtsan.so"}
    names = [*(runtimes[each] for each in sanitizers.split(",")), "libstdc++.so"]
    return " ".join(
        session.run(CXX, f"-print-file-name={name}", external=True, silent=True).strip()
        for name in names
    )


@nox.session(venv_backend="none")
def emulate(session):
    """Test the C++ core on processors that QEMU emulates: 64-bit ARM, and x86-64 old and new."""
    arm = build_cpp_tests(session, "-O2", "-static", compiler="aarch64-linux-gnu-g++")
    x86 = build_cpp_tests(session, "-O2", "-static", compiler="x86_64-linux-gnu-g++")
    for program, emulator, variants in (
        (arm, ["qemu-aarch64"], "neon scalar"),
        (x86, ["qemu-x86_64", "-cpu", "qemu64"], "scalar"),
        (x86, ["qemu-x86_64", "-cpu", "Haswell"], "avx2 scalar"),
    ):
        # QEMU does not survive a fork of a process that has threads.
        command = [*emulator, program, "-parallel_after_fork"]
        said = session.run(*command, external=True, silent=True)
        session.log(said.strip())
        if not said.endswith(f"; on {variants}\n"):
            session.error(f"expected the variants {variants}")


@nox.session(requires=WHEEL)
def sanitize(session):
    """Test the C++ core, then the native kernels from Python, under ASan and UBSan.

    From Python: the tests of every kernel that plain pytest runs on native variants, see `_is_slow`
    in tests/conftest.py, and the malformed calls.
    """
    libraries = install_sanitized(session, "address,undefined")
    # pycocotools, which tests compare with, reads strings beyond their ends.
    suppressions = Path(session.create_tmp()).resolve() / "suppressions"
    suppressions.write_text("interceptor_via_lib:pycocotools/_mask\n")
    options = {
        "detect_leaks": 0,  # the interpreter's own
        "allocator_may_return_null": 1,  # which Python makes a MemoryError of
        "suppressions": f"'{suppressions}'",
    }
    env = {
        "LD_PRELOAD": libraries,
        "ASAN_OPTIONS": ":".join(f"{name}={value}" for name, value in options.items()),
        "PYTHONMALLOC": "malloc",
    }
    best, _ = backends(session, **env)
    run_suite(session, "-k", "native:", expect=best, **env)
    hostile = [*test_files("compat_hostile"), "-k", "native"]
    run_suite(session, "--slow", *hostile, expect=best, **env)


@nox.session(requires=WHEEL)
def races(session):
    """Test the C++ core, then threads that share batches, under ThreadSanitizer."""
    env = {"LD_PRELOAD": install_sanitized(session, "thread")}
    run_suite(session, "-n0", *test_files("threads"), expect=backends(session, **env)[0], **env)


def clang():
    """Find clang++, or the newest clang++-N; None where there is none."""
    if found := shutil.which("clang++"):
        return found
    numbered = [path for folder in os.get_exec_path() for path in Path(folder).glob("clang++-*")]
    versions = {path.name.partition("-")[2]: str(path) for path in numbered}
    return versions[max(versions, key=float)] if versions else None


@nox.session(requires=WHEEL)
def fuzz(session):
    """Fuzz the C++ core and the Python surface; `nox -s fuzz -- --seconds 3600`, not 30 each."""
    compiler = clang()
    if compiler is None:
        session.skip("fuzzing wants Clang, with libFuzzer: the packages clang and libclang-rt-dev")
    env = {"CC": compiler.replace("clang++", "clang"), "CXX": compiler}
    # Of the undefined behaviours, those that need nothing beside what Atheris brings.
    sanitizers = "fuzzer-no-link,address,alignment,bool,bounds,enum,integer-divide-by-zero,null,"
    sanitizers += "pointer-overflow,shift,signed-integer-overflow"
    env |= {"SEGCORE_SANITIZE": sanitizers, "SEGCORE_REQUIRE_NATIVE": "1"}
    install_compiled(session, f"{built(SDIST)}[test]", "atheris", **env)
    command = ["python", "tests/fuzz/run.py", "--compiler", compiler]
    command += ["--folder", session.create_tmp(), *session.posargs]
    session.run(*command, env={"PYTHONSAFEPATH": "1"})


@nox.session
def faults(session):
    """Plant small faults in the kernels, one at a time, in a copy: each must make a test fail.

    What follows a `--` are names of faults in tests/project/faults.toml, or `--check`, which only
    makes sure that each still has its place in the sources.
    """
    session.install(*PYPROJECT["build-system"]["requires"])
    session.install(*DEPENDENCIES, *EXTRAS["numba"], *TEST_TOOLS)
    session.run("python", "-u", "tests/project/plant_faults.py", *session.posargs)


@nox.session(requires=WHEEL)
def coverage(session):
    """Measure the lines that tests reach: of segcore in Python, of src/core and src/json in C++.

    What Numba compiles cannot be traced, and does not count. 95 % are wanted of each.
    """
    session.install(f"{built(NATIVE)}[test,arrow]", "pytest-cov>=7", "gcovr>=8.8")
    # pytest-cov asks for the workers before tests/conftest.py does.
    workers = ["--numprocesses=auto", "--dist=worksteal"]
    measure = [*workers, "--cov", "--cov-report=term:skip-covered"]
    run_suite(session, *measure, f"--cov-fail-under={COVERED}", expect=backends(session)[0])
    # Only the core is instrumented, and optimized a little: the tests compare pixel by pixel.
    program = build_cpp_tests(session, "-O1", measured=["--coverage"])
    objects = Path(program).parent
    for counts in objects.glob("*.gcda"):  # of a run before, perhaps of another source
        counts.unlink()
    session.run(program, external=True)
    # A line of a template counts once, not once for every instance.
    report = ["gcovr", "--merge-lines", "--filter", "src/(core|json)/"]
    session.run(*report, f"--fail-under-line={COVERED}", str(objects))


@nox.session
def bench(session):
    """Measure segcore beside its peers; what follows a `--` goes to benchmarks.peers."""
    session.install("-e", ".[test,bench]", env={"SEGCORE_REQUIRE_NATIVE": "1"})
    session.run("python", "-m", "benchmarks.peers", *session.posargs)
