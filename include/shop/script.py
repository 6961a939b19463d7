"""Seeded, endless script of the shop's transactions. Pure.

Every transaction inserts at least one new basket, which identifies its outcome later.
Corrections, voids and record changes are riders of the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Literal

from include.shop.baskets import Basket, Line

BASKETS_PER_RUN = 1_000_000_000
FIRST_LIVE_BASKET = 100_000_000_000
"""First basket id of live runs, above every id of the history; each run has its own range."""

REMEMBERED_LINES = 4_096
LATE_SECONDS = (120, 6 * 3600)

HOUSEHOLD_VALUES: Mapping[str, tuple[str | None, ...]] = {
    "home_ownership": ("Homeowner", "Renter", "Probable Homeowner", "Probable Renter", None),
    "marital_status": ("Married", "Unmarried", None),
    "household_size": ("1", "2", "3", "4", "5+"),
}
PRODUCT_VALUES: Mapping[str, tuple[str | None, ...]] = {
    "package_size": ("6 OZ", "8 OZ", "12 OZ", "16 OZ", "32 OZ", "1 GA", None),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """Probabilities of events per replayed basket."""

    correction: float = 0.04
    """Correction: an earlier line gets another quantity and value (UPDATE)."""
    goods_return: float = 0.02
    """Return: a new basket with one line of negative quantity and amounts (INSERT)."""
    void: float = 0.02
    """Void: an earlier line is deleted (DELETE)."""
    household_change: float = 0.01
    """Household change: ownership, marital status or size (UPDATE)."""
    product_change: float = 0.005
    """Product change: another package size (UPDATE)."""
    redemption: float = 0.05
    """Redemption: a household in a campaign redeems one of its coupons (INSERT)."""
    late: float = 0.02
    """Late arrival: the basket arrives minutes to hours after its check-out."""
    no_card: float = 0.02
    """No loyalty card: household_id is null."""

    @classmethod
    def plain(cls) -> Mix:
        """Return a mix of punctual sales only."""
        return cls(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class World:
    """Reference data of a live run: households, products, campaigns and coupons."""

    household_ids: tuple[int, ...]
    product_ids: tuple[int, ...]
    campaigns: Mapping[int, tuple[int, ...]]
    """Household → the campaigns with coupons that it received."""
    coupons: Mapping[int, tuple[int, ...]]
    """Campaign → codes of its coupons."""


@dataclass(frozen=True, slots=True)
class NewBasket:
    """A basket to insert; `at` is its replay time, `lateness` the time since its check-out."""

    basket_id: int
    household_id: int | None
    store_id: int
    week: int
    at: timedelta
    lateness: timedelta
    kind: Literal["sale", "return"]
    lines: tuple[Line, ...]
    redemption: tuple[int, int] | None = None
    """The redeemed (campaign_id, coupon_upc)."""


@dataclass(frozen=True, slots=True)
class Correction:
    """New quantity and sales value (cents) of an earlier line."""

    basket_id: int
    product_id: int
    quantity: int
    sales_value: int


@dataclass(frozen=True, slots=True)
class Void:
    """Deletion of an earlier line."""

    basket_id: int
    product_id: int


@dataclass(frozen=True, slots=True)
class RecordChange:
    """New value in one column of a household or product."""

    table: Literal["households", "products"]
    key: int
    column: str
    value: str | None


Rider = Correction | Void | RecordChange


@dataclass(frozen=True, slots=True)
class Batch:
    """One database transaction: new baskets first, then the riders in order."""

    baskets: tuple[NewBasket, ...]
    riders: tuple[Rider, ...] = ()

    @property
    def changes(self) -> int:
        """Number of rows that this transaction inserts, updates or deletes."""
        booked = sum(len(basket.lines) + (basket.redemption is not None) for basket in self.baskets)
        return booked + len(self.riders)

    @property
    def at(self) -> timedelta:
        """Replay time of the last basket."""
        return self.baskets[-1].at


def first_basket_id(run: int) -> int:
    """Return the first basket id of a live run; run numbers begin at 1."""
    return FIRST_LIVE_BASKET + run * BASKETS_PER_RUN


def script(
    replay: Iterable[tuple[timedelta, Basket]],
    world: World,
    mix: Mix,
    *,
    seed: int,
    first_id: int,
) -> Iterator[Batch]:
    """Yield transactions of one basket each. The same arguments give the same script."""
    chance = Random(seed)  # noqa: S311 - a script, not a secret
    ids = iter(range(first_id, first_id + BASKETS_PER_RUN))
    memory = _Memory(chance)
    for at, basket in replay:
        sale = _sale(chance, mix, world, next(ids), at, basket)
        riders = tuple(_riders(chance, mix, world, memory))
        memory.add(sale)
        yield Batch((sale,), riders)
        if chance.random() < mix.goods_return and (bought := memory.take()):
            yield Batch((_return(next(ids), at, *bought),))


def merged(batches: Iterable[Batch], baskets_per_commit: int) -> Iterator[Batch]:
    """Yield the same script with this many baskets per transaction."""
    source = iter(batches)
    while group := tuple(islice(source, baskets_per_commit)):
        yield Batch(
            tuple(basket for batch in group for basket in batch.baskets),
            tuple(rider for batch in group for rider in batch.riders),
        )


def capped(batches: Iterable[Batch], changes: int) -> Iterator[Batch]:
    """Yield the script up to exactly this many changed rows; the last basket may lose lines."""
    left = changes
    for batch in batches:
        if left <= 0:
            return
        yield batch if batch.changes <= left else _trimmed(batch, left)
        left -= batch.changes


def _trimmed(batch: Batch, changes: int) -> Batch:
    kept: list[NewBasket] = []
    for basket in batch.baskets:
        if changes > 0:
            redemption = basket.redemption if changes > len(basket.lines) else None
            kept.append(replace(basket, lines=basket.lines[:changes], redemption=redemption))
            changes -= Batch((kept[-1],)).changes
    return Batch(tuple(kept), batch.riders[:changes])


class _Memory:
    """Lines of this run that can still be corrected, returned or voided."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._lines: list[tuple[NewBasket, Line]] = []

    def add(self, basket: NewBasket) -> None:
        self._lines += [(basket, line) for line in basket.lines if line.quantity > 0 and line.sales_value > 0]
        while len(self._lines) > REMEMBERED_LINES:
            self.take()

    def take(self) -> tuple[NewBasket, Line] | None:
        """Remove and return a random line; None if there are none."""
        if not self._lines:
            return None
        position = self._chance.randrange(len(self._lines))
        self._lines[position], self._lines[-1] = self._lines[-1], self._lines[position]
        return self._lines.pop()

    def put_back(self, basket: NewBasket, line: Line) -> None:
        self._lines.append((basket, line))


def _sale(chance: Random, mix: Mix, world: World, basket_id: int, at: timedelta, basket: Basket) -> NewBasket:
    late = chance.random() < mix.late
    household = None if chance.random() < mix.no_card else basket.household_id
    campaigns = world.campaigns.get(household, ()) if household is not None else ()
    redemption = None
    if chance.random() < mix.redemption and campaigns:
        campaign = chance.choice(campaigns)
        redemption = campaign, chance.choice(world.coupons[campaign])
    return NewBasket(
        basket_id,
        household,
        basket.store_id,
        basket.week,
        at,
        timedelta(seconds=chance.randint(*LATE_SECONDS)) if late else timedelta(),
        "sale",
        basket.lines,
        redemption,
    )


def _return(basket_id: int, at: timedelta, bought: NewBasket, line: Line) -> NewBasket:
    given_back = Line(
        line.product_id,
        -line.quantity,
        -line.sales_value,
        -line.retail_discount,
        -line.coupon_discount,
        -line.coupon_match_discount,
    )
    return replace(
        bought,
        basket_id=basket_id,
        at=at,
        lateness=timedelta(),
        kind="return",
        lines=(given_back,),
        redemption=None,
    )


def _riders(chance: Random, mix: Mix, world: World, memory: _Memory) -> Iterator[Rider]:
    if chance.random() < mix.correction and (found := memory.take()):
        basket, line = found
        quantity = max(1, line.quantity + chance.choice((-2, -1, 1, 2)))
        value = max(1, line.sales_value * quantity // line.quantity)
        memory.put_back(basket, replace(line, quantity=quantity, sales_value=value))
        yield Correction(basket.basket_id, line.product_id, quantity, value)
    if chance.random() < mix.void and (found := memory.take()):
        yield Void(found[0].basket_id, found[1].product_id)
    if chance.random() < mix.household_change and world.household_ids:
        yield _change(chance, "households", world.household_ids, HOUSEHOLD_VALUES)
    if chance.random() < mix.product_change and world.product_ids:
        yield _change(chance, "products", world.product_ids, PRODUCT_VALUES)


def _change(
    chance: Random,
    table: Literal["households", "products"],
    keys: tuple[int, ...],
    values: Mapping[str, tuple[str | None, ...]],
) -> RecordChange:
    column = chance.choice(tuple(values))
    return RecordChange(table, chance.choice(keys), column, chance.choice(values[column]))
