"""What a schema says of a value that does not fit, in the user's words."""

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


def in_words(error: jsonschema.ValidationError) -> str:
    """One line: where, what was found, what is meant there, what to do."""
    where = ": ".join(str(step) for step in error.absolute_path) or "top level"
    wanted, value = error.validator_value, error.instance
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = next(key for key in value if key not in known)
        mend = did_you_mean(str(unknown), known, 0.4) or f"known keys: {', '.join(known)}"
        return f"{where}: unknown key {unknown!r}; {mend}"
    if error.validator == "required":
        missing = next(key for key in wanted if key not in value)
        return f"{where}: key {missing!r} is missing; add it"
    told, mend = error.message, "correct the value"
    match error.validator:
        case "pattern":
            told = f"{value!r} does not fit"
        case "uniqueItems":
            told = f"{value!r} names something twice"
        case "contains":
            told = f"{value!r} lacks {wanted['const']}"
        case "enum":
            mend = did_you_mean(str(value), map(str, wanted), 0.4) or mend
        case "type":
            kind = wanted if isinstance(wanted, str) else " or ".join(wanted)
            told = f"{value!r} is not {_KINDS.get(kind, kind)}"
            mend = _retyped(value, kind) or mend
    meaning = error.schema.get("description")
    return f"{where}: {told}{f' ({meaning})' if meaning else ''}; {mend}"


def _retyped(value: object, kind: str) -> str:
    """How YAML takes a value for what it was meant to be; empty where that is not plain."""
    is_one = isinstance(value, str | int | float)
    if kind == "string" and is_one:
        return f"put it in quotes: '{value}'"
    if kind == "array" and is_one:
        return f"write [{value}]"
    if kind in ("number", "integer") and isinstance(value, str):
        try:  # in digits, for YAML takes 1e-3 for text
            return f"write {Decimal(value):f}, without quotes"
        except InvalidOperation:
            return ""
    return ""
