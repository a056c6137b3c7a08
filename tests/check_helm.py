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
    "no front": {"front": {"enabled": False}, "redis": {"existingSecret": "redis"}},
    "tokens of a provider at a port of its own": {
        "auth": {"ways": "oauth", "publicUrl": "https://r.example", "issuer": "https://id.example:8443/realms/uni", "role": "viewer"},
    },
    "browsers of one front": {
        "auth": {
            "ways": "oauth", "publicUrl": "https://r.example/", "issuer": "https://id.example/realms/uni",
            "oidc": {"clientId": "ripieno-web"},
        },
    },
    "fronts that share a Redis": {"redis": {"existingSecret": "redis", "key": "address", "port": 6380}},
    "a front with a certificate": {"front": {"tls": {"existingSecret": "front-certificate"}}},
    "another level of the log": {"env": {"RIPIENO_LOG": "debug"}},
    "everything": {
        "images": {"pullSecrets": ["registry"], "front": {"repository": "r.example/ripieno", "tag": "7"}},
        "auth": {
            "ways": "keys,oauth", "publicUrl": "https://r.example", "issuer": "https://id.example",
            "tenantClaim": "org", "tenant": "uni-a", "rolesClaim": "groups", "role": "viewer", "operatorTenant": "site",
            "oidc": {"clientId": "ripieno-web", "existingSecret": "provider", "key": "web", "scope": "openid profile"},
        },
        "redis": {"existingSecret": "redis"},
        "sources": "s3://corpora/{tenant}/",
        "env": {"RIPIENO_ITEM_SECONDS_MAX": "300", "RIPIENO_CHUNKS_IN_LANE_MAX": "99"},
        "front": {
            "hosts": ["scores.example.org"],
            "tls": {"existingSecret": "front-certificate", "certificate": "chain.pem", "key": "key.pem"},
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
    ({"auth": {"oidc": {"clientId": "web"}}}, ["auth.oidc.clientId", "keys,oauth"]),
    ({"auth": {"oidc": {"existingSecret": "provider"}}}, ["auth.oidc.existingSecret", "auth.oidc.clientId"]),
    ({"auth": {"oidc": {"secret": "s3cret"}}}, ["/auth/oidc", "'secret' not allowed"]),
    ({"auth": {"oidc": {"scope": "profile"}}}, ["/auth/oidc/scope"]),
    ({"auth": {"role": "root"}}, ["/auth/role"]),
    ({"auth": {"tenant": "Uni A"}}, ["/auth/tenant"]),
    ({"redis": {"existingSecret": "redis://:password@redis:6379"}}, ["/redis/existingSecret"]),
    ({"redis": {"port": 0}}, ["/redis/port"]),
    ({"redis": {"existingSecret": "redis"}, "env": {"RIPIENO_REDIS": "redis://redis"}}, ["env.RIPIENO_REDIS", "the secret redis"]),
    ({"env": {"RIPIENO_HOSTS": "scores.example.org"}}, ["env.RIPIENO_HOSTS"]),
    ({"front": {"tls": {"existingSecret": "front", "key": "../key"}}}, ["/front/tls/key"]),
    ({"front": {"tls": {"existingSecret": "front", "key": ""}}}, ["/front/tls/key"]),
    ({"metrics": {"port": 70000}}, ["/metrics/port", "want 65,535"]),
]


def helm(values, command=("template", "ripieno", CHART)):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(values, file)
        file.flush()
        command = [HELM, *command, "--namespace", "scores", "--values", file.name]
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
        check_front(name, values, parts)
        check_notes(name, values, parts)
    for other in ["ripieno-scheduler", "ripieno-worker"]:
        told = str(deployments.get(other, ""))
        assert "RIPIENO_REDIS" not in told and "RIPIENO_OIDC" not in told and "tls" not in told, f"{name}: {other}"

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
        if "secret" in volume:
            # Who the pod runs as reads it by its group, and nobody else.
            assert volume["secret"]["defaultMode"] == 0o440 and security["fsGroup"] == 10001, f"{name}: {volume}"
            mounted = [m for c in pod["containers"] for m in c["volumeMounts"] if m["name"] == volume["name"]]
            assert mounted and all(m["readOnly"] and "subPath" not in m for m in mounted), f"{name}: {mounted}"
        else:
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


def check_front(name, values, parts):
    """What the front is told, by what it is asked, and where it may go."""
    named = lambda kind, name: next(p for p in parts if p["kind"] == kind and p["metadata"]["name"] == name)  # noqa: E731
    auth, redis = values.get("auth", {}), values.get("redis", {})
    oidc, tls = auth.get("oidc", {}), values.get("front", {}).get("tls", {})
    template = named("Deployment", "ripieno-front")["spec"]["template"]
    container = template["spec"]["containers"][0]
    env = {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}
    assert env["RIPIENO_AUTH"], f"{name}: the front would not start: it listens beyond its pod"
    assert "ripieno-front.scores.svc" in env["RIPIENO_HOSTS"].split(","), f"{name}: {env['RIPIENO_HOSTS']}"

    wanted = {
        "RIPIENO_PUBLIC_URL": auth.get("publicUrl"),
        "RIPIENO_OAUTH_ISSUER": auth.get("issuer"),
        "RIPIENO_OAUTH_TENANT_CLAIM": auth.get("tenantClaim"),
        "RIPIENO_OAUTH_TENANT": auth.get("tenant"),
        "RIPIENO_OAUTH_ROLES_CLAIM": auth.get("rolesClaim"),
        "RIPIENO_OAUTH_ROLE": auth.get("role"),
        "RIPIENO_OAUTH_OPERATOR_TENANT": auth.get("operatorTenant"),
        "RIPIENO_OIDC_CLIENT_ID": oidc.get("clientId"),
        "RIPIENO_OIDC_SCOPE": oidc.get("scope"),
    }
    for variable, secret, key in [("RIPIENO_OIDC_CLIENT_SECRET", oidc, "client-secret"), ("RIPIENO_REDIS", redis, "url")]:
        of = {"name": secret.get("existingSecret"), "key": secret.get("key", key)}
        wanted[variable] = {"secretKeyRef": of} if of["name"] else None

    scheme, paths = "http", {"RIPIENO_TLS_CERTIFICATE_FILE": None, "RIPIENO_TLS_KEY_FILE": None}
    if tls.get("existingSecret"):
        scheme = "https"
        (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "tls"]
        (secret,) = [volume["secret"] for volume in template["spec"]["volumes"] if volume["name"] == "tls"]
        assert secret["secretName"] == tls["existingSecret"], f"{name}: {secret}"
        for variable, field, usual in [
            ("RIPIENO_TLS_CERTIFICATE_FILE", "certificate", "tls.crt"), ("RIPIENO_TLS_KEY_FILE", "key", "tls.key"),
        ]:
            (item,) = [item for item in secret["items"] if item["key"] == tls.get(field, usual)]
            paths[variable] = f"{mount['mountPath']}/{item['path']}"
    else:
        assert "tls" not in str(template), f"{name}: {template}"
    for variable, value in {**wanted, **paths}.items():
        assert env.get(variable) == value, f"{name}: {variable} is {env.get(variable)}, not {value}"

    for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
        get = container[probe]["httpGet"]
        assert get["scheme"] == scheme.upper() and get["port"] == scheme, f"{name}: {probe} asks by {get}"
    assert template["metadata"]["annotations"]["prometheus.io/scheme"] == scheme, name
    (port,) = named("Service", "ripieno-front")["spec"]["ports"]
    assert port["targetPort"] == scheme and [p["name"] for p in container["ports"]] == [scheme], f"{name}: {port}"

    ports = set()
    if redis.get("existingSecret"):
        ports.add(redis.get("port", 6379))
    if "oauth" in auth.get("ways", ""):
        ports.add(8443 if ":8443" in auth["issuer"] else 443)
    policy = named("NetworkPolicy", "ripieno-front")["spec"]
    out = {port["port"] for rule in policy.get("egress", []) for port in rule["ports"]}
    assert out == ports and ("Egress" in policy["policyTypes"]) == bool(ports), f"{name}: the front may go to {out}"
    all_pods = str(named("NetworkPolicy", "ripieno")["spec"]["egress"])
    assert "6379" not in all_pods and "6380" not in all_pods, f"{name}: every pod may go to Redis: {all_pods}"


def check_notes(name, values, parts):
    """Whoever installs it is told of every secret that it needs, and of what is not safe yet."""
    command = ["install", "ripieno", CHART, "--dry-run=client"]
    notes = helm(values, command=command).stdout.split("\nNOTES:\n")[1]
    pods = [part["spec"]["template"]["spec"] for part in parts if part["kind"] == "Deployment"]
    secrets = set()
    for pod in pods:
        for container in pod["containers"]:
            found = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "valueFrom" in variable]
            secrets |= {secret["name"] for secret in found}
            secrets |= {source["secretRef"]["name"] for source in container.get("envFrom", [])}
        secrets |= {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    needs = notes.rsplit("It needs the secrets ", 1)[1].splitlines()[0]
    for secret in secrets:
        assert re.search(rf"\b{secret}\b", needs), f"{name}: {secret} is not in {needs}"
    certificate = "front-certificate" in secrets
    assert ("Put TLS before it" in notes) != certificate and ("https://ripieno-front." in notes) == certificate, notes
    browsers = "clientId" in values.get("auth", {}).get("oidc", {})
    assert ("https://r.example/login/callback" in notes) == browsers, notes
    assert ("Sessions lie in each front alone" in notes) == (browsers and "redis" not in secrets), notes


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
