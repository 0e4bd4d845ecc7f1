"""The files of deploy/ are valid by the schemas and programs that read them, and agree with each other."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from store.config.command_line import parse

DEPLOY = Path(__file__).parents[2] / "deploy"


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*command: str, **environment: str) -> str:
    """Run a program that must succeed; return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def kubernetes_objects() -> list[Any]:
    """Every object of every file."""
    return [
        found
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for found in yaml.safe_load_all(path.read_text())
    ]


def test_compose_follows_the_compose_specification() -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    model = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    jsonschema.validate(model, json.loads(vendored.read_text()))
    for service in model["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert source in model["volumes"] or (DEPLOY / source).exists(), mount


@pytest.mark.parametrize(
    "found", kubernetes_objects(), ids=lambda found: f"{found['kind']}-{found['metadata']['name']}"
)
def test_kubernetes_objects_follow_their_schemas(found: Any) -> None:
    if found["kind"] == "ServiceMonitor":  # a custom resource: its schema comes with the operator
        assert {"selector", "endpoints"} <= set(found["spec"])
        return
    kubernetes_validate.validate(found, "1.30", strict=True)


def test_kubernetes_selectors_find_pods_and_monitors_find_ports() -> None:
    found = kubernetes_objects()
    pods = [item["spec"]["template"] for item in found if item["kind"] in ("StatefulSet", "Deployment")]
    labels = [pod["metadata"]["labels"] for pod in pods]
    for service in (item for item in found if item["kind"] == "Service"):
        assert service["spec"]["selector"] in labels
    budget = next(item for item in found if item["kind"] == "PodDisruptionBudget")
    assert budget["spec"]["selector"]["matchLabels"] in labels
    ports = {port["name"] for item in found if item["kind"] == "Service" for port in item["spec"]["ports"]}
    monitor = next(item for item in found if item["kind"] == "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["port"] in ports


@needs("sh")
def test_scripts_parse(tmp_path: Path) -> None:
    scripts = next(item for item in kubernetes_objects() if item["kind"] == "ConfigMap")["data"]
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        run("sh", "-n", str(tmp_path / name))
    run("sh", "-n", str(DEPLOY / "docker/entrypoint.sh"))


@needs("sh")
def test_entrypoint_writes_a_configuration_once_and_the_server_takes_it(tmp_path: Path) -> None:
    bin_path = tmp_path / "bin"
    bin_path.mkdir()
    (bin_path / "chronis-server").write_text('#!/bin/sh\necho "$@"\n')
    (bin_path / "chronis-server").chmod(0o755)
    data = tmp_path / "data"
    data.mkdir()
    environment = {
        "PATH": f"{bin_path}:/usr/bin:/bin",
        "CHRONIS_DATA": str(data),
        "CHRONIS_PASSWORD": "se cret",
        "CHRONIS_REPLICAOF": "chronis-1 6379",
        "CHRONIS_OPTIONS": "min-replicas-to-write 1\nmaxclients 50",
    }
    entry = str(DEPLOY / "docker/entrypoint.sh")
    assert run(entry, "server", "--port", "7000", **environment).split() == [f"{data}/chronis.conf", "--port", "7000"]
    settings = parse([f"{data}/chronis.conf"])
    assert (settings.requirepass, settings.masterauth) == (b"se cret", b"se cret")
    assert settings.metrics_bind == "0.0.0.0"
    assert settings.maxclients == 50
    assert settings.min_replicas_to_write == 1
    (data / "chronis.conf").write_text("port 7001\n")  # as CONFIG REWRITE would
    run(entry, "server", **environment)
    assert (data / "chronis.conf").read_text() == "port 7001\n"


@needs("systemd-analyze")
def test_systemd_unit_is_valid_and_confined(tmp_path: Path) -> None:
    unit = tmp_path / "chronis.service"
    text = (DEPLOY / "systemd/chronis.service").read_text()
    unit.write_text(
        text.replace("/opt/chronis/bin/chronis-server", "/bin/true")
    )  # verify wants the program to be there
    assert run("systemd-analyze", "verify", str(unit)).strip() == ""
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert security.returncode == 0, security.stdout[-200:]


@needs("haproxy")
def test_haproxy_takes_its_configuration() -> None:
    run("haproxy", "-c", "-q", "-f", str(DEPLOY / "haproxy/haproxy.cfg"), CHRONIS_1="127.0.0.1:1", CHRONIS_2="127.0.0.1:2",
        CHRONIS_3="127.0.0.1:3", PATH="/usr/sbin:/usr/bin:/bin")  # fmt: skip


@needs("nutcracker")
def test_nutcracker_takes_its_configuration() -> None:
    assert "syntax is ok" in run("nutcracker", "-t", "-c", str(DEPLOY / "nutcracker/nutcracker.yml"))


def test_envoy_configuration_names_each_cluster_it_routes_to() -> None:
    model = yaml.safe_load((DEPLOY / "envoy/envoy.yaml").read_text())["static_resources"]
    clusters = {cluster["name"] for cluster in model["clusters"]}
    proxy = model["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    assert proxy["prefix_routes"]["catch_all_route"]["cluster"] in clusters
