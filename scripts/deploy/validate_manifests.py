"""Judges Kubernetes manifests by the schemas of Kubernetes' API and of custom resources.

Standard input: {"versions": ["1.30", …], "definitions": [FOLDER, …], "manifests": [{"from": TEXT, "object": {…}}, …]}
Standard output: {"judged": N, "problems": [TEXT, …]}
"""

import functools
import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils
import yaml

# Read anew for each object otherwise, which is megabytes.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def strict(node):
    """The API server drops fields that a definition does not know; here they are mistakes."""
    if isinstance(node, dict):
        if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
            node.setdefault("additionalProperties", False)
        if node.pop("x-kubernetes-int-or-string", False):
            node.pop("type", None)
            node["anyOf"] = [{"type": "integer"}, {"type": "string"}]
        for child in node.values():
            strict(child)
    elif isinstance(node, list):
        for child in node:
            strict(child)
    return node


def definitions(folder):
    """Schemas of custom resources by (apiVersion, kind): every CustomResourceDefinition in the folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                # Every object has these; the definition leaves them to the API server.
                schema["properties"]["metadata"] = {"type": "object"}
                found[(f"{spec['group']}/{version['name']}", spec["names"]["kind"])] = schema
    return found


def place(error):
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".") or "object"


def judge(manifest, versions, custom):
    """Problems of one object, the same in several versions told once."""
    key = (manifest.get("apiVersion"), manifest.get("kind"))
    if key in custom:
        validator = jsonschema.Draft202012Validator(custom[key])
        return [f"{place(error)}: {error.message}" for error in validator.iter_errors(manifest)]
    problems = {}
    for version in versions:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            problems.setdefault(f"{place(error)}: {error.message}", []).append(version)
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.setdefault(error.message, []).append(version)
    return [f"{text} (Kubernetes {', '.join(seen)})" for text, seen in problems.items()]


def main():
    order = json.load(sys.stdin)
    custom = {}
    for folder in order["definitions"]:
        custom.update(definitions(folder))
    problems = []
    for item in order["manifests"]:
        manifest = item["object"]
        name = f"{item['from']}: {manifest.get('kind')} {manifest.get('metadata', {}).get('name')}"
        problems += [f"{name}: {text}" for text in judge(manifest, order["versions"], custom)]
    json.dump({"judged": len(order["manifests"]), "problems": problems}, sys.stdout)


main()
