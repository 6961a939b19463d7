"""Table of applied contracts: the contract of each dataset as a plan applied it (platform database)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from headrace.contracts.applied import write_applied
from headrace.contracts.codec import decode_contract, encode_contract
from headrace.contracts.contract import Contract
from headrace.systems.platform.hook import PlatformHook

KEEP: Final = """
    INSERT INTO applied_contracts (dataset, shape, terms, contract, plan) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (dataset) DO UPDATE
       SET shape = excluded.shape, terms = excluded.terms, contract = excluded.contract, plan = excluded.plan,
           applied_at = now(), retired_at = NULL
     WHERE (applied_contracts.shape, applied_contracts.terms, applied_contracts.contract) IS DISTINCT FROM
           (excluded.shape, excluded.terms, excluded.contract) OR applied_contracts.retired_at IS NOT NULL"""
RETIRE: Final = "UPDATE applied_contracts SET retired_at = now() WHERE dataset = ANY (%s) AND retired_at IS NULL"
STANDING: Final = (
    "SELECT dataset, shape, terms, contract FROM applied_contracts WHERE retired_at IS NULL ORDER BY dataset"
)


class Applied(NamedTuple):
    """Applied contract of one dataset."""

    shape: str
    terms: str
    contract: Contract


class AppliedRecord:
    """Reads and writes the table `applied_contracts`."""

    def __init__(self, platform: PlatformHook) -> None:
        self._platform = platform

    def standing(self) -> dict[str, Applied]:
        """Return dataset id → applied contract, without retired datasets."""
        return {
            dataset: Applied(shape, terms, _compiled(dataset, shape, terms, contract))
            for dataset, shape, terms, contract in self._rows()
        }

    def contracts(self) -> dict[str, Contract]:
        """Return dataset id → contract, without retired datasets."""
        return {dataset: applied.contract for dataset, applied in self.standing().items()}

    def keep(self, contract: Contract, texts: tuple[str, str], plan: int | None) -> None:
        """Record that all changes of the contract were applied."""
        from psycopg.types.json import Jsonb

        with self._platform.transaction() as connection:
            connection.execute(KEEP, [contract.id, *texts, Jsonb(encode_contract(contract)), plan])

    def retire(self, datasets: Iterable[str]) -> None:
        """Record that these datasets are retired."""
        with self._platform.transaction() as connection:
            connection.execute(RETIRE, [list(datasets)])

    def write_index(self, place: Path) -> Mapping[str, Contract]:
        """Write the index file that running processes read; return its contracts. Raises OSError."""
        contracts = self.contracts()
        write_applied(place, {dataset: encode_contract(contract) for dataset, contract in contracts.items()})
        return contracts

    def _rows(self) -> list[tuple[Any, ...]]:
        with self._platform.transaction() as connection:
            return connection.execute(STANDING).fetchall()


def _compiled(dataset: str, shape: str, terms: str, encoded: Any) -> Contract:
    """Decode the contract. Parse its texts again if an older version encoded it differently."""
    try:
        return decode_contract(encoded)
    except (KeyError, TypeError, ValueError, IndexError):
        from headrace.contracts.loading import read_texts

        return read_texts(dataset, shape, terms)
