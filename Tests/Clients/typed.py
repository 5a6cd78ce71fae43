"""While these tests run, whatever the `openai` package reads must be what its own types declare.

The package builds its objects without a check. Here every answer, page and stream event is checked first: required fields
are there, literals are among those declared, `None` stands only where it may. Further fields are allowed: they are ours.
"""
import base64
import inspect
import struct

import pytest
from openai import _base_client
from pydantic import BaseModel, TypeAdapter


def check(kind, data):
    """Raises `pydantic.ValidationError` where the data is no such thing."""
    TypeAdapter(kind).validate_python(as_declared(data), strict=True)


def as_declared(data):
    """Without the three things that the package's types cannot say: that a chat message cites a file, as a message of
    `/responses` may, that an embedding is in base64, as the package itself asks for, and that a piece of a streamed text is
    not its last one, for which the package has the type of a whole text."""
    if not isinstance(data, dict):
        return data
    if data.get("object") == "chat.completion":
        return data | {"choices": [choice | {"message": without_citations(choice["message"])} for choice in data["choices"]]}
    if data.get("object") == "text_completion" and not data.get("usage"):
        return data | {"choices": [choice | {"finish_reason": choice["finish_reason"] or "stop"} for choice in data["choices"]]}
    if data.get("object") == "list" and any(isinstance(each.get("embedding"), str) for each in data["data"]):
        return data | {"data": [each | {"embedding": numbers(each["embedding"])} for each in data["data"]]}
    return data


def without_citations(message: dict) -> dict:
    kept = [each for each in message.get("annotations") or [] if each["type"] != "file_citation"]
    return message | ({"annotations": kept} if "annotations" in message else {})


def numbers(text: str) -> list[float]:
    data = base64.b64decode(text, validate=True)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


@pytest.fixture(scope="session", autouse=True)
def every_answer_has_its_declared_type():
    checked = 0
    original = _base_client.BaseClient._process_response_data

    def process(self, *, data, cast_to, response):
        nonlocal checked
        if inspect.isclass(cast_to) and issubclass(cast_to, BaseModel) or not inspect.isclass(cast_to):
            check(cast_to, data)
            checked += 1
        return original(self, data=data, cast_to=cast_to, response=response)

    _base_client.BaseClient._process_response_data = process
    yield lambda: checked
    _base_client.BaseClient._process_response_data = original
