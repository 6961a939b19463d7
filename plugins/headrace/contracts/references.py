"""Read and resolve references between datasets: ODCS `relationships` of type foreignKey.

A relationship of a property needs `to`. A relationship of the schema needs `from` and `to`, with one field each or
equally many. A field is `<dataset>.<field>` or `<domain>.<dataset>.<field>`. The severity is a custom property of the
relationship.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from headrace.contracts.contract import Contract, Reference, Severity
from headrace.contracts.odcs_model import suggest
from headrace.contracts.sla import Report, declared
from headrace.contracts.types import SCALARS, AvroType, Primitive, type_name
from headrace.errors import ContractError

RULE: Final = "reference"
_WHOLE: Final = (Primitive("int"), Primitive("long"))


def read_references(
    schema: Mapping[str, Any], domain: str, names: Collection[str], taken: Collection[str], report: Report
) -> tuple[Reference, ...]:
    """Return every relationship of the schema object and its properties.

    Names must be unique. Report a name that a rule already uses (`taken`).
    """
    found: dict[str, Reference] = {}
    for steps, property_name, item in declared(schema, "relationships"):
        fields = (property_name,) if property_name else _own(item.get("from"), schema)
        reference, problem = _read(item, domain, fields, names)
        if reference is None:
            report(steps, RULE, problem)
        elif reference.name in taken or reference.name in found:
            report(steps, RULE, f"the name {reference.name} is taken; give the relationship its own id")
        else:
            found[reference.name] = reference
    return tuple(found.values())


def unresolved(contracts: Iterable[Contract]) -> Iterator[ContractError]:
    """Yield references to a missing dataset or field, or to a field whose values can never be equal."""
    by_id = {contract.id: contract for contract in contracts}
    for contract in by_id.values():
        for reference in contract.references:
            other = by_id.get(reference.dataset)
            if other is None:
                problem: str | None = f"there is no dataset {reference.dataset}; {suggest(reference.dataset, by_id)}"
            else:
                pairs = zip(reference.fields, reference.to, strict=True)
                problem = next((p for mine, its in pairs if (p := _unequal(contract, mine, other, its))), None)
            if problem:
                yield ContractError(contract.terms_path, 1, RULE, f"{reference.name}: {problem}")


def _read(
    item: Mapping[str, Any], domain: str, fields: tuple[str, ...], names: Collection[str]
) -> tuple[Reference | None, str]:
    """Return the reference and an empty string, or None and what is wrong."""
    if (kind := item.get("type") or "foreignKey") != "foreignKey":
        return None, f"its type is {kind!r}; write foreignKey"
    unknown = [name for name in fields if name not in names]
    if not fields or unknown:
        wrong = f"the .avsc has no field {unknown[0]!r}" if unknown else "it does not name the referring fields"
        return None, f"{wrong}; write from: <dataset>.<field>, or put it under a property"
    targets = [_target(text, domain) for text in _listed(item.get("to"))]
    datasets = {dataset for dataset, _ in targets}
    if len(targets) != len(fields) or len(datasets) != 1 or "" in datasets:
        return None, f"to is {item.get('to')!r}; write <dataset>.<field>, of one dataset, for each referring field"
    severity = _severity(item)
    if severity not in get_args(Severity):
        return None, f"its severity is {severity!r}; write one of {', '.join(get_args(Severity))}"
    name = item.get("id") or "_".join((*fields, "known"))
    return Reference(name, fields, datasets.pop(), tuple(field for _, field in targets), severity), ""


def _severity(item: Mapping[str, Any]) -> Any:
    given = [p.get("value") for p in item.get("customProperties") or () if p.get("property") == "severity"]
    return given[0] if given else "error"


def _own(value: Any, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of `from`, without the dataset's own name."""
    prefix = f"{schema.get('name')}."
    return tuple(text.removeprefix(prefix) for text in _listed(value))


def _target(text: str, domain: str) -> tuple[str, str]:
    """Return (dataset id, field). The id is empty when the text names no dataset."""
    dataset, _, field = text.rpartition(".")
    return (dataset if "." in dataset or not dataset else f"{domain}.{dataset}"), field


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _unequal(contract: Contract, name: str, other: Contract, to: str) -> str | None:
    """Return why values of the two fields can never be equal, or None when they can."""
    mine, its = contract.record.get(name), other.record.get(to)
    if its is None:
        return f"{other.id} has no field {to!r}; {suggest(to, [field.name for field in other.record.fields])}"
    if mine is None:
        return None  # already reported when the field was read
    if not _comparable(mine.type, its.type):
        return f"{name} is {type_name(mine.type)} and {other.id}.{to} is {type_name(its.type)}; use the same type"
    if (name in contract.tokenised) != (to in other.tokenised):
        return f"{name} and {other.id}.{to} are not both tokenised, so cleaned rows never match; tokenise both or none"
    return None


def _comparable(mine: AvroType, its: AvroType) -> bool:
    return isinstance(mine, SCALARS) and (mine == its or (mine in _WHOLE and its in _WHOLE))
