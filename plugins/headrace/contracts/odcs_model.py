"""Check that a YAML document conforms to the published ODCS model.

The model is based on pydantic and is slow to import. It is imported only when a contract file is read, not when the
index is read.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from headrace.contracts.documents import Document, Steps
from headrace.errors import ContractError


def model_errors(document: Document) -> Iterator[ContractError]:
    """Yield every deviation of the document from the ODCS model."""
    if not isinstance(document.data, dict):
        what = "the document is not a mapping; write an ODCS document (apiVersion, kind, id, …)"
        yield document.error((), "odcs", what)
        return
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    known = {info.alias or name: info for name, info in OpenDataContractStandard.model_fields.items()}
    data = {key: value for key, value in document.data.items() if key in known}
    yield from _unknown(document, (), document.data, known)
    try:
        model = OpenDataContractStandard.model_validate(data)
    except ValidationError as error:
        for fault in error.errors():
            steps = _in_document(document.data, fault["loc"])
            name = ".".join(str(step) for step in steps)
            what = f"{name}: {fault['msg'].lower()}; write the value that ODCS 3 expects"
            yield document.error(steps, "odcs", what)
        return
    yield from _unknown_inside(document, (), model, data)


def _unknown(document: Document, steps: Steps, data: dict[Any, Any], known: Iterable[str]) -> Iterator[ContractError]:
    for key in data:
        if key not in known:
            what = f"{key!r} is not an ODCS key here; {suggest(str(key), known)}"
            yield document.error((*steps, key), "odcs", what)


def _unknown_inside(document: Document, steps: Steps, model: Any, data: Any) -> Iterator[ContractError]:
    """Report unknown keys of nested objects, which the nested models ignore."""
    if isinstance(model, list) and isinstance(data, list):
        for index, (part, value) in enumerate(zip(model, data, strict=True)):
            yield from _unknown_inside(document, (*steps, index), part, value)
    elif hasattr(model, "model_fields_set") and isinstance(data, dict):
        names = {info.alias or name: name for name, info in type(model).model_fields.items()}
        yield from _unknown(document, steps, data, names)
        for key in data.keys() & names:
            inner = getattr(model, names[key])
            yield from _unknown_inside(document, (*steps, key), inner, data[key])


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the next step for an unknown word: the closest known word, or to remove it."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f'write "{close[0]}" if that is meant, or remove it' if close else "remove it"


def _in_document(data: Any, location: tuple[str | int, ...]) -> Steps:
    """Return the steps of a pydantic location, without the names of union branches."""
    steps: list[str | int] = []
    for step in location:
        inside = step in data if isinstance(data, dict) else isinstance(data, list)
        if not inside or (isinstance(data, list) and not isinstance(step, int)):
            continue
        steps.append(step)
        data = data[step]
    return tuple(steps)
