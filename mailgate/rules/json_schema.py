"""The configuration as JSON Schema, so that editors complete and check it while it is written.

It says of each value what a single one may be. Whether a name stands for anything shows only when all files are
looked at together: that is for ``rules check``.
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mailgate.model.config import Service
from mailgate.model.keeping import AfterClosing, Period, ThenNumbers
from mailgate.model.operator import Operator
from mailgate.model.spans import Longer, Opening, Span, When
from mailgate.rules.schema import COMMAND_NAMES

DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors read
_SCALAR = {"type": ["string", "number", "boolean"]}
_YES_OR_NO = {"enum": ["yes", "no", True, False]}
_OPENING = r"^[A-Za-z]+day( to [A-Za-z]+day)?,? \d{1,2}([.:]\d\d)?(am|pm) to \d{1,2}([.:]\d\d)?(am|pm)$"
_LENGTH = r"\d{1,5} +((working|calendar) +)?(minute|hour|day|week|month|year)s?"
_SPAN = rf"^({_LENGTH}|the deadline in the mail)$"
_WHEN = rf"^(\d{{1,2}}% of the time has gone|due|{_LENGTH} (late|before))$"
_CHASE = r"^every +(\d+ +)?[a-z]+( +[a-z]+)?, +to +\S.*$"
_LONGER = r"^([2-9]|10) x longer$"
_CLOCK = {"type": "string", "pattern": r"^\d{1,2}([.:]\d\d)?(am|pm)$"}
_SIZE = {"type": ["string", "integer"], "pattern": r"^\d+( *(bytes|KiB|MiB|GiB))?$"}
_OF_TYPES: Mapping[type, Any] = {
    Span: {"type": "string", "pattern": _SPAN},
    Opening: {"type": "string", "pattern": _OPENING},
    When: {"type": "string", "pattern": _WHEN},
    Longer: {"type": "string", "pattern": _LONGER},
    **{
        kind: {"type": "string", "pattern": rf"^[1-9]\d{{0,4}} +(calendar +)?(day|week|month|year)s?{kind.TAIL}$"}
        for kind in (Period, AfterClosing, ThenNumbers)
    },
}


class _AsWritten(GenerateJsonSchema):
    """Values as they stand in the files, where a model has already made them into what they mean."""

    def str_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_SCALAR)

    def bool_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_YES_OR_NO)

    def date_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}

    def time_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_CLOCK)

    def is_instance_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_OF_TYPES[schema["cls"]])

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        return dict(_OF_TYPES[schema["cls"]])

    def tuple_schema(self, schema: Any) -> dict[str, Any]:
        """A list; where words are expected, a single one may stand alone."""
        listed: dict[str, Any] = super().tuple_schema(schema)
        is_of_models = schema["items_schema"][0]["type"] in ("model", "definition-ref")
        return listed if is_of_models else {"anyOf": [listed["items"], listed]}


def service_schema() -> dict[str, Any]:
    """What may stand in any file but ``mailgate.yml``; which file has which key is up to its writer."""
    schema = Service.model_json_schema(schema_generator=_AsWritten)
    properties = schema["properties"]
    properties["reference"] = {"type": "string", "pattern": "^[A-Z]{2,5}$"}
    properties["commands"]["propertyNames"] = {"enum": list(COMMAND_NAMES)}
    asked = schema["$defs"]["Commissions"]["properties"]
    asked["answer_by"] = {"type": "string", "pattern": rf"^{_LENGTH} before the deadline$"}
    asked["chase_overdue"]["anyOf"].append({"type": "string", "pattern": _CHASE})
    sentence = {"anyOf": [_SCALAR, properties["information"]["additionalProperties"]]}
    properties["information"]["additionalProperties"] = sentence
    return _finished(schema, "The service of a mailgate configuration")


def operator_schema() -> dict[str, Any]:
    """What may stand in ``mailgate.yml``."""
    schema = Operator.model_json_schema(schema_generator=_AsWritten)
    for model, name in (("Store", "keep_free"), ("Smtp", "max_size")):
        schema["$defs"][model]["properties"][name] = _SIZE
    return _finished(schema, "The operator's part of a mailgate configuration")


def _finished(schema: dict[str, Any], title: str) -> dict[str, Any]:
    _tidy(schema)
    return {"$schema": DIALECT, **schema, "title": title}


def _tidy(node: Any) -> None:
    """Take out what says nothing to an editor: made-up titles, defaults as models have them, marks of docstrings."""
    if isinstance(node, dict):
        node.pop("title", None)
        node.pop("default", None)
        if isinstance(node.get("description"), str):
            node["description"] = " ".join(node["description"].replace("*", "").split())
        for inner in node.values():
            _tidy(inner)
    elif isinstance(node, list):
        for inner in node:
            _tidy(inner)


SCHEMAS = {"service": service_schema, "mailgate": operator_schema}
"""The schemas by the name of the file in ``schema/`` that has each."""


def schema_text(name: str) -> str:
    """What stands in that file."""
    return json.dumps(SCHEMAS[name](), indent=2) + "\n"
