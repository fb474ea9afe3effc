"""What a schema says of a value that does not fit, in the user's words."""

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import jsonschema

from histosurv.errors import did_you_mean

_KINDS = {
    "array": "a list",
    "object": "a section with keys of its own",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "boolean or array": "true, false or a list",
}
_BOUNDS = {
    "minimum": "below",
    "exclusiveMinimum": "not above",
    "maximum": "above",
    "exclusiveMaximum": "not below",
}
_NOTHING = ("", "none", "no")  # as None and False, meant for an empty list
_AS_A_LIST = 'write it as a list: ["one", "another"]'
_MOST_DIGITS = 20


def _is_number(_: object, value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
)


def misfits(value: object, schema: dict) -> Iterator[str]:
    """Say what of a value does not fit: where, what was found, what is meant there, what to do.

    YAML's numbers that are none, infinity and the like, fit nowhere.
    """
    return map(_in_words, _Validator(schema).iter_errors(value))


def _in_words(error: jsonschema.ValidationError) -> str:
    steps = [f"item {step + 1}" if isinstance(step, int) else step for step in error.absolute_path]
    where = ": ".join(map(str, steps)) or "top level"
    wanted, value = error.validator_value, error.instance
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = next(key for key in value if key not in known)
        mend = did_you_mean(str(unknown), known) or f"known keys: {', '.join(known)}"
        return f"{where}: unknown key {unknown!r}; {mend}"
    if error.validator == "required":
        missing = next(key for key in wanted if key not in value)
        return f"{where}: key {missing!r} is missing; add it"
    found = "nothing" if value is None else repr(value)
    told, mend = error.message, "correct the value"
    match error.validator:
        case "pattern":
            told = f"{found} does not fit"
        case "uniqueItems":
            told = f"{found} names something twice"
        case "contains":
            told = f"{found} lacks {wanted['const']}"
        case "minItems" | "minLength" | "minProperties":
            told = f"{found} is empty"
        case "enum":
            told = f"{found} is not one of {', '.join(map(str, wanted))}"
            mend = did_you_mean(str(value), map(str, wanted)) or mend
        case "type":
            kind = wanted if isinstance(wanted, str) else " or ".join(wanted)
            told = f"{found} is not {_KINDS.get(kind, kind)}"
            mend = _retyped(value, kind, error.schema) or mend
        case bound if bound in _BOUNDS:
            told = f"{found} is {_BOUNDS[bound]} {wanted}"
    if "propertyNames" in error.absolute_schema_path:
        mend = "give it another name"
    meaning = error.schema.get("description")
    return f"{where}: {told}{f' ({meaning})' if meaning else ''}; {mend}"


def _retyped(value: object, kind: str, schema: dict) -> str:
    """How a value is written so that it is what was meant; empty where that is not plain.

    What is told is right in YAML and in JSON.
    """
    match kind:
        case "string":
            return 'write "" for none' if value is None else "put in quotes what you wrote"
        case "array":
            if value is None or value is False or value in _NOTHING:
                return "write [] for none"
            is_word = re.fullmatch(r"[\w.-]+", str(value))
            item = str(value) if schema["items"].get("type") == "string" else value
            return f"write [{json.dumps(item)}]" if is_word else _AS_A_LIST
        case "boolean or array" if value in schema["items"]["enum"]:
            return f"write [{json.dumps(value)}]"
        case "boolean" | "boolean or array" if value in ("true", "false"):
            return f"write {value}, without quotes"
        case "number" | "integer" if isinstance(value, str):
            digits = _digits(value, kind)
            return f"write {digits}, without quotes" if digits else ""
    return ""


def _digits(text: str, kind: str) -> str:
    """A number in digits, for YAML takes 1e-3 for text; empty for what is none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ""
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        return ""
    if kind == "integer":
        return str(int(number)) if number == int(number) else ""
    return f"{number:f}"
