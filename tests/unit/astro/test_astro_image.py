from __future__ import annotations

import fnmatch
import os
import re
import shlex
import subprocess
from pathlib import Path

import yaml

from headrace.planning.sinks import RECORDS, WRITABLE
from headrace.planning.sources import CONNECTOR, FAITHFUL, converters
from tests.support.astro import ROOT, STACK, VERSIONS
from tests.unit.planning.cases import SETTINGS

DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    shlex.split(line.replace("\\\n", " "))
    for line in re.sub(r"\\\n\s*", " ", DOCKERFILE).splitlines()
    if line and not line.startswith("#") and not line.startswith("CMD")
]


def test_every_stage_begins_with_an_image_of_the_versions_file_or_a_stage() -> None:
    stages: set[str] = set()
    bases = [words[1:] for words in INSTRUCTIONS if words[0] == "FROM"]
    for image, *name in bases:
        assert image in stages or image in VERSIONS["images"].values(), image
        stages |= set(name[1:])
    # The Astro CLI takes the first FROM for the runtime, and the last one is what it builds.
    assert bases[0][0] == VERSIONS["images"]["runtime"]
    assert bases[-1] == [bases[0][2]]


def test_the_runtime_brings_the_airflow_that_is_pinned() -> None:
    minor = VERSIONS["images"]["runtime"].rpartition(":")[2].partition("-")[0]
    assert f"\napache-airflow=={minor}." in (STACK / "requirements.in").read_text()


def test_only_what_is_named_reaches_the_build() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    let_through = {line[1:] for line in lines if line.startswith("!")}
    assert let_through == {"dags", "include", "plugins", "packages.txt", "requirements.txt"}
    assert all((ROOT / name).exists() for name in let_through)
    assert not any(fnmatch.fnmatch(".env", pattern) for pattern in let_through)
    for words in INSTRUCTIONS:
        if words[0] == "COPY" and not words[1].startswith("--from"):
            for source in words[1:-1]:
                assert (ROOT / source).exists(), source
                assert source.split("/")[0] in let_through


def test_nothing_secret_and_no_unknown_argument_goes_into_an_image() -> None:
    assert not [words for words in INSTRUCTIONS if words[0] == "ARG"]
    environment = [words for words in INSTRUCTIONS if words[0] == "ENV"]
    names = {pair.partition("=")[0] for words in environment for pair in words[1:]}
    assert names == {"AIRFLOW__CORE__PLUGINS_FOLDER", "PYTHONPATH", "HEADRACE_INDEX", "HEADRACE_SPARK_JARS"}


def test_the_jars_are_fetched_in_the_versions_of_the_versions_file(tmp_path: Path) -> None:
    """The script itself, with a stand-in for Maven that writes down what it is asked."""
    for name in ("pom.xml", "versions.toml", "images/jars.sh"):
        (tmp_path / Path(name).name).write_text((STACK / name).read_text())
    (tmp_path / "bin").mkdir()
    maven = tmp_path / "bin" / "mvn"
    maven.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/mvn.log\n')
    maven.chmod(0o755)
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(["sh", "jars.sh", str(tmp_path / "out")], cwd=tmp_path, env=environ, check=True, timeout=30)
    calls = [line.split() for line in (tmp_path / "mvn.log").read_text().splitlines()]
    assert [call[4] for call in calls] == ["-Parchives", "-Pconverter", "-Piceberg", "-Pspark"]
    wanted = {f"-D{name}={version}" for name, version in VERSIONS["maven"].items()}
    for call in calls:
        assert {word for word in call if word.startswith("-D") and not word.startswith("-Dout")} == wanted
    assert set(re.findall(r"\$\{([a-z-]+)\}", (STACK / "pom.xml").read_text())) - {
        "out",
        "set",
        "part",
        "plugin",
    } <= set(VERSIONS["maven"])


def test_connect_finds_our_classes() -> None:
    """By name only: a wrong one is seen when a connector starts."""
    wanted = converters(SETTINGS)
    service = "org.apache.kafka.connect"
    for part, interface, listed in (
        ("converter", f"{service}.storage.Converter", [wanted["value.converter"]]),
        ("source", f"{service}.source.SourceConnector", [CONNECTOR]),
        ("sink", f"{service}.transforms.Transformation", [RECORDS, WRITABLE]),
    ):
        manifest = STACK / "connect" / part / "resources" / "META-INF" / "services" / interface
        assert manifest.read_text().split() == listed
    resolver = wanted["value.converter.apicurio.registry.schema-resolver"]
    ours = {"converter": [resolver], "source": [CONNECTOR, FAITHFUL], "sink": [RECORDS, WRITABLE]}
    for part, found in ours.items():
        for name in found:
            assert (STACK / "connect" / part / "java" / f"{name.replace('.', '/')}.java").exists()
    assert "COPY include/stack/connect connect\n" in DOCKERFILE


def test_scripts_in_images_are_sound_shell() -> None:
    for name in ("jars.sh", "connect.sh"):
        subprocess.run(["sh", "-n", str(STACK / "images" / name)], check=True, timeout=10)


def test_astro_knows_the_project() -> None:
    assert yaml.safe_load((ROOT / ".astro" / "config.yaml").read_text()) == {"project": {"name": "headrace"}}
