#!/usr/bin/env python3
"""Renders the chart with several sets of values, and holds what comes out against the schemas of Kubernetes and KEDA, and
against what docs/operations.md promises. Wrong values must be refused by name.

    check_helm.py HELM CHART CRDS"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

HELM, CHART, CRDS = sys.argv[1:4]
VERSIONS = ["1.30", "1.35"]
DRAIN_SECONDS = 10

SETS = {
    "defaults": {},
    "no keda": {"worker": {"scaling": "cpu", "minReplicas": 1}},
    "fixed": {"worker": {"scaling": "none", "minReplicas": 3}, "front": {"autoscaling": {"enabled": False}}},
    "another store": {
        "store": {
            "url": "s3://corpus/ledger",
            "existingSecret": "minio",
            "env": {"AWS_ENDPOINT": "http://minio:9000", "AWS_ALLOW_HTTP": "true"},
            "port": 9000,
        },
        "networkPolicy": {"extraEgress": [{"ports": [{"port": 443, "protocol": "TCP"}]}]},
    },
    "a role instead of keys": {
        "store": {"url": "gs://corpus/ledger", "existingSecret": ""},
        "serviceAccount": {"annotations": {"iam.gke.io/gcp-service-account": "ripieno@p.iam.gserviceaccount.com"}},
    },
    "to zero, many": {"worker": {"minReplicas": 0, "maxReplicas": 50, "keda": {"cooldownSeconds": 60}}},
    "no front": {"front": {"enabled": False}},
    "everything": {
        "images": {"pullSecrets": ["registry"], "front": {"repository": "r.example/ripieno", "tag": "7"}},
        "auth": {"ways": "keys,oauth", "publicUrl": "https://r.example", "issuer": "https://id.example"},
        "sources": "s3://corpora/{tenant}/",
        "env": {"RIPIENO_ITEM_SECONDS_MAX": "300", "RIPIENO_CHUNKS_IN_LANE_MAX": "99"},
        "front": {
            "hosts": ["scores.example.org"],
            "extraArgs": ["--help"],
            "podAnnotations": {"a": "b"},
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "scores", "operator": "Exists"}],
        },
        "worker": {"podAnnotations": {"a": "b"}, "nodeSelector": {"disk": "ssd"}},
        "networkPolicy": {"frontFrom": [{"namespaceSelector": {"matchLabels": {"team": "music"}}}]},
    },
}

# What is wrong, and words that its refusal must have.
WRONG = [
    ({"worker": {"maxReplicas": "ten"}}, ["/worker/maxReplicas", "want integer"]),
    ({"worker": {"scaling": "magic"}}, ["/worker/scaling", "'keda', 'cpu', 'none'"]),
    ({"worker": {"scaling": "cpu", "minReplicas": 0}}, ["/worker/minReplicas", "want 1"]),
    ({"worker": {"slots": 4}}, ["/worker/slots", "must be 2"]),
    ({"worker": {"terminationGracePeriodSeconds": 5}}, ["/worker/terminationGracePeriodSeconds", "want 15"]),
    ({"worker": {"minReplicas": 5, "maxReplicas": 2}}, ["worker.maxReplicas (2) is less than worker.minReplicas (5)"]),
    ({"worker": {"replicas": 3}}, ["/worker", "'replicas' not allowed"]),
    ({"store": {"url": "file:///ledger"}}, ["/store/url", "does not match pattern"]),
    ({"store": {"url": None}}, ["/store", "url"]),
    ({"broker": {"existingSecret": ""}}, ["/broker/existingSecret"]),
    ({"env": {"ripieno": "x"}}, ["invalid propertyName 'ripieno'"]),
    ({"front": {"resources": {"limits": {"memory": "lots"}}}}, ["/front/resources/limits/memory"]),
    ({"scheduler": {"enabled": False}, "front": {"enabled": False}}, ["nobody would put back"]),
    ({"auth": {"ways": "oauth"}}, ["auth.publicUrl"]),
    ({"auth": {"ways": ""}}, ["/auth/ways"]),
    ({"metrics": {"port": 70000}}, ["/metrics/port", "want 65,535"]),
]


def helm(values, *more):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        command = [HELM, "template", "ripieno", CHART, "--namespace", "scores", "--values", file.name, *more]
        return subprocess.run(command, capture_output=True, text=True)


def definitions():
    found = {}
    for path in sorted(Path(CRDS).glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        for version in crd["spec"]["versions"]:
            found[crd["spec"]["names"]["kind"]] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema):
    """What a definition does not name is refused, as kubectl --validate=strict does."""
    if isinstance(schema, dict):
        for key, value in list(schema.items()):
            schema[key] = closed(value)
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        if schema.get("type") == "object" and set(schema) <= {"type", "description"}:
            schema.pop("additionalProperties", None)
    elif isinstance(schema, list):
        return [closed(value) for value in schema]
    return schema


def check(name, values, crds):
    rendered = helm(values)
    assert rendered.returncode == 0, f"{name}: {rendered.stderr}"
    parts = [part for part in yaml.safe_load_all(rendered.stdout) if part]
    for part in parts:
        if part["kind"] in crds:
            jsonschema.validate(part, crds[part["kind"]])
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(part, version, strict=True)
    names = [(part["kind"], part["metadata"]["name"]) for part in parts]
    assert len(names) == len(set(names)), f"{name}: {names}"
    by_kind = lambda kind: [part for part in parts if part["kind"] == kind]  # noqa: E731

    deployments = {part["metadata"]["name"]: part for part in by_kind("Deployment")}
    for deployment in deployments.values():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items(), f"{name}: {selector}"
        check_pod(name, deployment["spec"]["template"]["spec"])
    if "ripieno-front" in deployments:
        container = deployments["ripieno-front"]["spec"]["template"]["spec"]["containers"][0]
        env = {variable["name"]: variable.get("value") for variable in container["env"]}
        assert env["RIPIENO_AUTH"], f"{name}: the front would not start: it listens beyond its pod"

    scaled = [part["spec"]["scaleTargetRef"]["name"] for part in by_kind("HorizontalPodAutoscaler") + by_kind("ScaledObject")]
    assert len(scaled) == len(set(scaled)), f"{name}: scaled twice: {scaled}"
    for target in scaled:
        assert "replicas" not in deployments[target]["spec"], f"{name}: an upgrade would reset what is scaled"
    for part in by_kind("ScaledObject"):
        check_trigger(name, part, deployments["ripieno-worker"])
    for part in by_kind("Service") + by_kind("PodDisruptionBudget"):
        selector = part["spec"]["selector"].get("matchLabels", part["spec"]["selector"])
        chosen = [d for d in deployments.values() if selector.items() <= d["spec"]["template"]["metadata"]["labels"].items()]
        assert len(chosen) == 1, f"{name}: {part['kind']} chooses {len(chosen)}"
    return parts


def check_pod(name, pod):
    security = pod["securityContext"]
    assert security["runAsNonRoot"] and security["runAsUser"] == 10001, name
    assert pod["automountServiceAccountToken"] is False, name
    assert pod.get("terminationGracePeriodSeconds", 30) > DRAIN_SECONDS, f"{name}: shorter than the drain"
    volumes = {volume["name"] for volume in pod["volumes"]}
    for volume in pod["volumes"]:
        assert volume["emptyDir"]["sizeLimit"], f"{name}: {volume}"
    for container in pod["containers"]:
        inside = container["securityContext"]
        assert inside["readOnlyRootFilesystem"] and not inside["allowPrivilegeEscalation"], name
        assert inside["capabilities"] == {"drop": ["ALL"]}, name
        mounts = container["volumeMounts"]
        assert {mount["name"] for mount in mounts} <= volumes, name
        assert "/tmp" in [mount["mountPath"] for mount in mounts], f"{name}: nowhere to write"
        assert container["resources"]["requests"] and container["resources"]["limits"]["memory"], name
        variables = [variable["name"] for variable in container["env"]]
        assert len(variables) == len(set(variables)), f"{name}: said twice: {variables}"
        assert {"RIPIENO_BROKER", "RIPIENO_STORE", "RIPIENO_CHUNKS_IN_LANE_MAX"} <= set(variables), name
        for variable in container["env"]:
            assert "secret" not in str(variable.get("value", "")).lower(), f"{name}: {variable}"


def check_trigger(name, scaled, worker):
    (trigger,) = scaled["spec"]["triggers"]
    metadata = trigger["metadata"]
    lanes = ["ripieno.interactive", "ripieno.suspect", "ripieno.bulk"]
    others = ["ripieno.dead", "ripieno.wait.250", "other.bulk", "xripieno.bulk"]
    pattern = re.compile(metadata["queueName"])
    assert all(pattern.search(lane) for lane in lanes) and not any(pattern.search(other) for other in others), name
    assert metadata["operation"] == "sum" and metadata["excludeUnacknowledged"] == "false", name
    variables = {v["name"]: v.get("value") for v in worker["spec"]["template"]["spec"]["containers"][0]["env"]}
    most = scaled["spec"]["maxReplicaCount"] * int(metadata["value"])
    if name != "everything":
        assert int(variables["RIPIENO_CHUNKS_IN_LANE_MAX"]) >= most, f"{name}: one job cannot use all workers"


def main():
    crds = definitions()
    assert set(crds) == {"ScaledObject", "TriggerAuthentication"}, crds.keys()
    lint = subprocess.run([HELM, "lint", "--strict", CHART], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    count = sum(len(check(name, values, crds)) for name, values in SETS.items())

    # The check can fail: each of these is a slip that a schema has to find.
    parts = check("defaults", {}, crds)
    broken = json.loads(json.dumps(next(part for part in parts if part["kind"] == "ScaledObject")))
    broken["spec"]["maxReplicas"] = 3
    try:
        jsonschema.validate(broken, crds["ScaledObject"])
        raise SystemExit("the definition of KEDA lets an unknown field pass")
    except jsonschema.ValidationError:
        pass
    broken = json.loads(json.dumps(next(part for part in parts if part["kind"] == "Deployment")))
    broken["spec"]["template"]["spec"]["containers"][0]["port"] = 1
    try:
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)
        raise SystemExit("the schemas of Kubernetes let an unknown field pass")
    except kubernetes_validate.ValidationError:
        pass

    for values, words in WRONG:
        refused = helm(values)
        assert refused.returncode != 0, f"{values} is let pass"
        for word in words:
            assert word in refused.stderr, f"{values}: {word!r} is not in\n{refused.stderr}"
    print(f"{len(SETS)} sets of values, {count} resources, {len(WRONG)} refused")


main()
