"""`/openapi.json` is a valid description, and what it says of the fields of requests is what the server accepts."""
import copy
import json
import re
from typing import NamedTuple

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from knowledge import LIGHTHOUSE, attach, expert, unique, upload
from server import ROOT

API = json.loads((ROOT / "Sources/CAssets/web/openapi.json").read_text())


class Field(NamedTuple):
    """A field of a request's body: its path within it, and its schema without references."""
    path: tuple[str, ...]
    schema: dict


def resolved(schema: dict) -> dict:
    """Without a reference, and without the `null` that every optional field may be."""
    while "$ref" in schema:
        schema = API["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return resolved(choices[0])
    if isinstance(schema.get("type"), list) and "null" in schema["type"]:
        types = [each for each in schema["type"] if each != "null"]
        schema = schema | {"type": types[0] if len(types) == 1 else types}
    return schema


def fields(schema: dict, example, path: tuple[str, ...] = ()):
    """All fields of an object and of the objects within it, but not those of a literal `extra_body`, which repeat.

    Where an object has several kinds, told apart by `type`, those of the example's kind."""
    schema = resolved(schema)
    for variant in (schema, *map(resolved, schema.get("allOf", []) + schema.get("anyOf", []) + schema.get("oneOf", []))):
        kinds = variant.get("properties", {}).get("type", {})
        if kinds and (example or {}).get("type") not in kinds.get("enum", [kinds.get("const")]):
            continue
        for name, inner in variant.get("properties", {}).items():
            if name != "extra_body":
                yield Field((*path, name), resolved(inner))
                yield from fields(inner, (example or {}).get(name), (*path, name))
        if "properties" not in variant and variant is not schema:
            yield from fields(variant, example, path)


def operations():
    """Every operation with a JSON body: method, path, schema, an example of the body."""
    for path, item in API["paths"].items():
        for method in ("post", "put"):
            body = item.get(method, {}).get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                yield method, path, body["schema"], body["example"]


def bounds(schema: dict):
    """Values at the bounds of a schema, and just outside of them."""
    step = 1 if schema.get("type") == "integer" else 0.001
    inside = [schema[key] for key in ("minimum", "maximum") if key in schema]
    outside = [schema[key] + sign * step for key, sign in (("minimum", -1), ("maximum", 1)) if key in schema]
    if "enum" in schema:
        inside += [value for value in schema["enum"] if value is not None]
        outside += ["none of these"]
    # The body as a whole has a limit too, which the longest strings would meet first.
    if schema.get("type") == "string" and schema.get("maxLength", 1 << 20) <= 1 << 16:
        inside.append("x" * schema["maxLength"])
        outside.append("x" * (schema["maxLength"] + 1))
    if schema.get("type") == "array" and resolved(schema.get("items", {})).get("type") == "string":
        outside += [["x"] * (schema["maxItems"] + 1)] if "maxItems" in schema else []
        inside += [["x"] * schema["maxItems"]] if "maxItems" in schema else []
        outside += [[]] if schema.get("minItems") else []
    return inside, outside


def wrong_type(schema: dict):
    """None where several types are right."""
    return {"string": 5, "integer": "5", "number": "5", "boolean": "yes", "array": {}, "object": []}.get(str(schema.get("type")))


def with_value(body: dict, path: tuple[str, ...], value) -> dict:
    body = copy.deepcopy(body)
    place = body
    for name in path[:-1]:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[path[-1]] = value
    return body


@pytest.fixture(scope="module")
def ids(client, http):
    """What stands for the parameters of paths and for the ids in the examples."""
    store = client.vector_stores.create(name=unique("described")).id
    file = upload(client, "described.md", LIGHTHOUSE)
    attach(client, store, file)
    line = {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"input": "a cat"}}
    requests = client.files.create(file=("requests.jsonl", json.dumps(line).encode()), purpose="batch").id
    return {"vector_store_id": store, "knowledgebase_id": store, "file_id": file, "document_id": file,
            "expert_id": expert(http, knowledgebase_ids=[]), "requests": requests}


def filled(text: str, ids: dict) -> str:
    text = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "none"), text)
    return text.replace("file-…", ids["file_id"]).replace("file-of-requests", ids["requests"])


def test_it_is_a_valid_description(http):
    served = http.get("/openapi.json", headers={"Authorization": ""})
    assert served.status_code == 200 and served.headers["content-type"] == "application/json"
    OpenAPIV31SpecValidator(served.json()).validate()
    names = [operation["operationId"] for item in API["paths"].values() for method, operation in item.items()
             if method != "parameters"]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = set(re.findall(r'"#/components/(\w+/\w+)"', json.dumps(API)))
    there = {f"{kind}/{name}" for kind, parts in API["components"].items() if kind != "securitySchemes" for name in parts}
    assert used == there


@pytest.mark.parametrize("method, path, schema, example", list(operations()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_says_of_a_body_is_what_is_accepted(http, ids, method, path, schema, example):
    example = json.loads(filled(json.dumps(example, ensure_ascii=False), ids))
    address = filled(path, ids)

    def refused(body) -> str | None:
        """The field that the server says is wrong."""
        answer = http.request(method, address, json=body)
        if answer.status_code != 400:
            return None
        return answer.json()["error"]["param"]

    assert refused(example) is None, "the example is accepted"
    for name in resolved(schema).get("required", []):
        assert refused({key: value for key, value in example.items() if key != name}) == name
    for field in fields(schema, example):
        name = ".".join(field.path)
        inside, outside = bounds(field.schema)
        for value in inside:
            assert refused(with_value(example, field.path, value)) != name, f"{name} may be {str(value)[:60]}"
        for value in outside + ([wrong_type(field.schema)] if wrong_type(field.schema) is not None else []):
            found = refused(with_value(example, field.path, value)) or ""
            # The object that holds the field may be at fault first, as a choice of tools is where there are none.
            named = found.startswith(name) or name.startswith(f"{found or '?'}.")
            assert named, f"{name} must not be {str(value)[:60]}, and the answer names {found or 'nothing'}"


def test_what_it_says_of_parameters_is_what_is_accepted(http, ids):
    for path, item in API["paths"].items():
        for parameter in item.get("get", {}).get("parameters", []):
            if "$ref" in parameter:
                parameter = API["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
            inside, outside = bounds(resolved(parameter["schema"]))
            for value in inside + outside:
                answer = http.get(filled(path, ids), params={parameter["name"]: value})
                assert (answer.status_code == 400) == (value in outside), f"{path} {parameter['name']}={value}"
                assert value in inside or answer.json()["error"]["param"] == parameter["name"]
