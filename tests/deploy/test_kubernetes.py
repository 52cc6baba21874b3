"""``deploy/kubernetes``: the manifests are what Kubernetes takes, ask for no rights, and name what exists in the code.

No cluster is asked: the schemas of its releases come with kubernetes-validate.
"""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from mailgate.app import address_of
from mailgate.gateway import GRACE_SECONDS
from mailgate.ingest.bounded import MEMORY_BYTES
from mailgate.model.config import Config
from mailgate.settings import load
from mailgate.store.keys import FIRST, load_keys
from mailgate.web.pages import pages
from tests.gateway import ROOT

FILES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
MANIFESTS = {manifest["kind"]: manifest for file in FILES for manifest in yaml.safe_load_all(file.read_text())}
DEPLOYMENT = MANIFESTS["Deployment"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
(GATEWAY,) = POD["containers"]
(KEYS,) = POD["initContainers"]
MOUNTED = {mount["mountPath"]: mount for mount in GATEWAY["volumeMounts"]}
RELEASES = ("1.31.0", kubernetes_validate.latest_version())
MEBIBYTES = {"Mi": 1, "Gi": 1024}


def configured(folder: Path) -> Config:
    """The configuration of a pod, with the shipped service."""
    (folder / "mailgate.yml").write_text(MANIFESTS["ConfigMap"]["data"]["mailgate.yml"])
    values = {"MAILGATE_STORE__URL": "postgresql+psycopg://mailgate@database.example/mailgate"}
    return load([ROOT / "config", folder], {variable["name"]: values[variable["name"]] for variable in GATEWAY["env"]})


def test_there_is_one_manifest_of_each_kind() -> None:
    kinds = {"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"}
    assert set(MANIFESTS) == kinds
    assert len(FILES) == len(kinds)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", sorted(MANIFESTS))
def test_kubernetes_takes_the_manifest(kind, release) -> None:
    kubernetes_validate.validate(MANIFESTS[kind], release, strict=True)


def test_kubernetes_does_not_take_a_manifest_with_a_mistake() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**MANIFESTS["Service"], "specs": {}}, RELEASES[0], strict=True)


def test_a_pod_and_all_its_containers_have_no_rights() -> None:
    assert POD["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert POD["automountServiceAccountToken"] is False
    for container in (GATEWAY, KEYS):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert "USER 10001:10001" in (ROOT / "deploy/container/Containerfile").read_text()


def test_one_of_several_may_always_be_taken_away_and_all_selectors_mean_the_same_pods() -> None:
    assert MANIFESTS["PodDisruptionBudget"]["spec"]["minAvailable"] < DEPLOYMENT["replicas"] == 2
    ours = DEPLOYMENT["template"]["metadata"]["labels"]
    assert DEPLOYMENT["selector"] == MANIFESTS["PodDisruptionBudget"]["spec"]["selector"] == {"matchLabels": ours}
    assert MANIFESTS["NetworkPolicy"]["spec"]["podSelector"] == {"matchLabels": ours}
    assert MANIFESTS["Service"]["spec"]["selector"] == ours


def test_probes_ask_for_a_page_that_exists_where_the_gateway_listens(tmp_path) -> None:
    operator = configured(tmp_path).operator
    ports = {port["name"]: port["containerPort"] for port in GATEWAY["ports"]}
    assert ports == {"smtp": address_of(operator.smtp.listen or "")[1], "web": address_of(operator.web.listen or "")[1]}
    known = pages(None)  # type: ignore[arg-type]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert GATEWAY[name]["httpGet"]["path"] == "/ping"
        assert "/ping" in known
        assert GATEWAY[name]["httpGet"]["port"] == "web"
    scraped = DEPLOYMENT["template"]["metadata"]["annotations"]
    assert scraped["prometheus.io/path"] in known
    assert int(scraped["prometheus.io/port"]) == ports["web"]


def test_every_port_that_others_reach_is_one_of_the_pod() -> None:
    named = {port["name"] for port in GATEWAY["ports"]}
    ingress = MANIFESTS["NetworkPolicy"]["spec"]["ingress"]
    assert {port["port"] for rule in ingress for port in rule["ports"]} == named
    assert {port["targetPort"] for port in MANIFESTS["Service"]["spec"]["ports"]} == {"smtp"}
    assert all("from" in rule for rule in ingress)


def test_the_gateway_may_reach_what_its_configuration_names(tmp_path) -> None:
    egress = MANIFESTS["NetworkPolicy"]["spec"]["egress"]
    allowed = {port["port"] for rule in egress for port in rule["ports"]}
    relay = re.search(r":(\d+)", configured(tmp_path).operator.send.via.partition("://")[2])
    assert relay is not None
    assert {53, 443, 993, 5432, int(relay[1])} == allowed


def test_secrets_stand_in_no_manifest_and_nothing_is_kept_in_a_pod(tmp_path) -> None:
    assert all(set(variable) == {"name", "valueFrom"} for variable in GATEWAY["env"])
    assert "Secret" not in MANIFESTS
    operator = configured(tmp_path).operator
    assert operator.store.raw.startswith("s3://")
    assert operator.send.via.startswith("smtp://")


def test_what_is_mounted_exists_and_is_what_the_gateway_reads(tmp_path) -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    used = {mount["name"] for container in (GATEWAY, KEYS) for mount in container["volumeMounts"]}
    assert used == set(volumes)
    assert volumes["configuration"]["configMap"]["name"] == MANIFESTS["ConfigMap"]["metadata"]["name"]
    folders = [GATEWAY["args"][at + 1] for at, word in enumerate(GATEWAY["args"]) if word == "--config"]
    mounted = MOUNTED[f"{folders[1]}/mailgate.yml"]
    assert mounted["subPath"] in MANIFESTS["ConfigMap"]["data"]  # a file of its own: S54 refuses links
    assert configured(tmp_path).operator.keys in MOUNTED
    assert {"/var/lib/mailgate", "/tmp"} < set(MOUNTED)


def test_S56_the_keys_of_a_secret_become_keys_that_the_gateway_takes(tmp_path) -> None:
    """A secret is mounted as links to files that the group may read."""
    secret, keys = tmp_path / "secret", tmp_path / "keys"
    (secret / "..data").mkdir(parents=True)
    keys.mkdir()
    (secret / "..data" / FIRST).write_text("ab" * 32)
    (secret / "..data" / FIRST).chmod(0o440)
    (secret / FIRST).symlink_to(Path("..data") / FIRST)
    *shell, command = KEYS["command"]
    assert any(fnmatch(FIRST, Path(word).name) for word in command.split())
    mounts = {mount["name"]: mount["mountPath"] for mount in KEYS["volumeMounts"]}
    here = command.replace(mounts["secret"], str(secret)).replace(mounts["keys"], str(keys))
    subprocess.run([*shell, here], check=True, timeout=60)
    assert load_keys(keys) == ({"a": bytes.fromhex("ab" * 32)}, "a")


def test_a_stop_has_the_time_it_takes() -> None:
    before = int(GATEWAY["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] >= before + 3 * GRACE_SECONDS


def test_an_upgrade_leaves_nobody_without_a_gateway() -> None:
    """Old and new work side by side: tests/journeys/test_two_versions.py."""
    assert DEPLOYMENT["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_P10_the_memory_that_is_asked_for_is_what_the_gateway_may_take() -> None:
    budget = re.search(r"\| P10 \|[^|]*\| (\d+) / (\d+) MiB \|", (ROOT / "docs/performance.md").read_text())
    assert budget is not None
    idle, busy = map(int, budget.groups())
    apart = MEMORY_BYTES // 1024**2  # for a mail that is read by a process of its own: E92
    asked = {name: GATEWAY["resources"][name]["memory"] for name in ("requests", "limits")}
    mebibytes = {name: int(text[:-2]) * MEBIBYTES[text[-2:]] for name, text in asked.items()}
    assert idle < busy <= mebibytes["requests"]
    assert busy + apart < mebibytes["limits"]
