#!/usr/bin/env python3
"""admit_manifest.py MANIFEST PORT DIR: the objects of deploy/kubernetes/admit.yaml for an API server
without nodes: webhooks are asked at 127.0.0.1:PORT, and what would run there is left out. Writes
DIR/objects.yaml."""
import sys
import yaml

manifest, port, folder = sys.argv[1:]
objects = []
for o in yaml.safe_load_all(open(manifest, encoding="utf-8")):
    for hook in o.get("webhooks", []):
        client = hook["clientConfig"]
        client["url"] = f"https://127.0.0.1:{port}{client.pop('service')['path']}"
    if o["kind"] == "PodDisruptionBudget":
        o["apiVersion"] = "policy/v1beta1"  # the API server of the tests is older than policy/v1
    if o["kind"] != "Deployment":
        objects.append(o)
with open(f"{folder}/objects.yaml", "w", encoding="utf-8") as out:
    yaml.safe_dump_all(objects, out)
