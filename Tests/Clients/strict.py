"""Checks JSON against the types of the `openai` package, to the letter.

The client itself takes whatever comes: it builds its objects without checking them. Here every value must have the
declared type and every field must be declared, but for those that a test names as ours.
"""
from pydantic import BaseModel, TypeAdapter


def strict(kind, value, ours: set[str] = frozenset()):
    """The value as `kind`; fails where it is none, or holds fields that `kind` does not know and `ours` does not name."""
    made = TypeAdapter(kind).validate_python(value, strict=True)
    _walk(made, getattr(kind, "__name__", str(kind)), ours)
    return made


def _walk(value, path: str, ours: set[str]):
    if isinstance(value, BaseModel):
        unknown = set(value.model_extra or {}) - ours
        assert not unknown, f"{path} has fields that {type(value).__name__} does not know: {unknown}"
        for name in type(value).model_fields:
            _walk(getattr(value, name), f"{path}.{name}", ours)
    elif isinstance(value, (list, tuple)):
        for position, element in enumerate(value):
            _walk(element, f"{path}[{position}]", ours)
    elif isinstance(value, dict):
        for name, element in value.items():
            _walk(element, f"{path}[{name!r}]", ours)
