"""The demo shop's goods: the same on every machine, a little different every day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from random import Random
from typing import Literal

Markup = Literal["json-ld", "microdata", "plain"]
MARKUPS: tuple[Markup, ...] = ("json-ld", "microdata", "plain")
ARRIVAL_EVERY = timedelta(minutes=5)
ARRIVALS_SHOWN = 10
_LONGEST_QUIET = 60


@dataclass(frozen=True)
class Category:
    slug: str
    name: str
    tagline: str
    hue: int
    lowest: int
    highest: int
    names: tuple[str, ...]

    @cached_property
    def products(self) -> tuple[Product, ...]:
        return tuple(Product(self, number, name) for number, name in enumerate(self.names))

    def listed(self, day: date) -> list[Product]:
        return [product for product in self.products if product.is_listed(day)]


@dataclass(frozen=True)
class Product:
    category: Category
    number: int
    name: str

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-").replace("é", "e")

    @property
    def sku(self) -> str:
        return f"{self.category.slug[:3].upper()}-{1000 + self.number * 37}"

    @property
    def brand(self) -> str:
        return Random(self.sku).choice(BRANDS)  # noqa: S311 - sample data

    @property
    def markup(self) -> Markup:
        """A third of the goods in each of the ways in which real shops describe theirs."""
        return MARKUPS[self.number % len(MARKUPS)]

    @property
    def seasonal(self) -> bool:
        return self.number == len(self.category.names) - 1

    @property
    def description(self) -> str:
        return f"{self.name} by {self.brand}. {self.category.tagline}"

    @property
    def list_price(self) -> Decimal:
        low, high = self.category.lowest, self.category.highest
        return Decimal(Random(f"price {self.sku}").randint(low, high)) - Decimal("0.10")  # noqa: S311

    def price(self, day: date) -> Decimal:
        """A sixth of the goods is reduced on any day."""
        chance = self._chance("offer", day)
        if chance > 1 / 6:
            return self.list_price
        off = Decimal(10 + int(chance * 6 * 4) * 5) / 100
        return (self.list_price * (1 - off)).quantize(Decimal("0.01"))

    def is_reduced(self, day: date) -> bool:
        return self.price(day) < self.list_price

    def stock(self, day: date) -> int:
        return max(0, int(self._chance("stock", day) * 24) - 3)

    def is_listed(self, day: date) -> bool:
        """Seasonal goods come and go, so that a watched sitemap has something to tell."""
        return not self.seasonal or self._chance("listed", day) < 1 / 2

    def modified(self, day: date) -> date:
        for back in range(_LONGEST_QUIET):
            then = day - timedelta(days=back)
            if self.price(then) != self.price(then - timedelta(days=1)):
                return then
        return day - timedelta(days=_LONGEST_QUIET)

    def _chance(self, what: str, day: date) -> float:
        return Random(f"{what} {self.sku} {day.isoformat()}").random()  # noqa: S311


@dataclass(frozen=True)
class Arrival:
    at: datetime
    product: Product
    pieces: int

    @property
    def key(self) -> int:
        return int(self.at.timestamp())


BRANDS = ("Nordlys", "Atelier Marlow", "Havn & Co", "Kestrel", "Lumen Works", "Oak & Iron")
CATEGORIES = (
    Category(
        "kitchen",
        "Kitchen",
        "Made to be used every day and to last.",
        28,
        9,
        140,
        (
            "Enamel Kettle",
            "Walnut Chopping Board",
            "Stoneware Mug",
            "Copper Saucepan",
            "Linen Tea Towel",
            "Pepper Mill",
            "Cast Iron Skillet",
            "Winter Punch Bowl",
        ),
    ),
    Category(
        "garden",
        "Garden",
        "Good tools for a patient hobby.",
        118,
        7,
        220,
        (
            "Ash Handle Spade",
            "Zinc Watering Can",
            "Bypass Secateurs",
            "Potting Bench",
            "Seed Tin",
            "Hazel Plant Support",
            "Folding Saw",
            "Bird Feeder",
        ),
    ),
    Category(
        "lighting",
        "Lighting",
        "Warm light where you need it.",
        46,
        25,
        480,
        (
            "Opal Pendant",
            "Brass Desk Lamp",
            "Paper Floor Lamp",
            "Linen Shade",
            "Night Reader",
            "Glass Wall Light",
            "Festoon String",
        ),
    ),
    Category(
        "stationery",
        "Stationery",
        "For thoughts that deserve paper.",
        212,
        3,
        75,
        (
            "Dotted Notebook",
            "Brass Ruler",
            "Fountain Pen",
            "Letter Paper Set",
            "Desk Calendar",
            "Beeswax Seal Kit",
            "Pencil Roll",
            "Greeting Card Box",
        ),
    ),
    Category(
        "bedroom",
        "Bedroom",
        "Quiet colours and honest fibres.",
        262,
        19,
        640,
        (
            "Washed Linen Duvet",
            "Wool Blanket",
            "Oak Bedside Table",
            "Down Pillow",
            "Cotton Sheet Set",
            "Cedar Hangers",
            "Sheepskin Rug",
        ),
    ),
    Category(
        "furniture",
        "Furniture",
        "Solid wood, joined to be handed down.",
        14,
        190,
        2400,
        (
            "Spindle Back Chair",
            "Extending Oak Table",
            "Three Seat Sofa",
            "Wall Shelf",
            "Writing Desk",
            "Rattan Armchair",
            "Hall Bench",
        ),
    ),
    Category(
        "children",
        "Children",
        "Toys that leave room for imagination.",
        338,
        6,
        130,
        (
            "Wooden Train",
            "Stacking Rings",
            "Felt Hand Puppet",
            "Kite",
            "Marble Run",
            "Picture Blocks",
            "Rocking Horse",
            "Advent Calendar",
        ),
    ),
    Category(
        "outdoor",
        "Outdoor",
        "For days that begin early.",
        176,
        12,
        390,
        (
            "Canvas Rucksack",
            "Vacuum Flask",
            "Camping Lantern",
            "Wool Picnic Rug",
            "Folding Stool",
            "Storm Candle",
            "Hammock",
        ),
    ),
)


def products() -> Iterator[Product]:
    for category in CATEGORIES:
        yield from category.products


@lru_cache(maxsize=1)
def products_by_slug() -> dict[str, Product]:
    return {product.slug: product for product in products()}


def listed(day: date) -> list[Product]:
    return [product for product in products() if product.is_listed(day)]


def offers(day: date) -> list[Product]:
    return [product for product in listed(day) if product.is_reduced(day)]


def search(query: str, day: date) -> list[Product]:
    """Every word must be there; hits in the name come first."""
    words = query.casefold().split()
    if not words:
        return []
    hits = [p for p in listed(day) if all(word in _searched(p) for word in words)]
    return sorted(hits, key=lambda p: -sum(word in p.name.casefold() for word in words))


def _searched(product: Product) -> str:
    return f"{product.description} {product.category.name}".casefold()


def arrivals(at: datetime) -> list[Arrival]:
    """What came in last: one delivery every few minutes, newest first."""
    step = int(ARRIVAL_EVERY.total_seconds())
    newest = int(at.timestamp()) // step * step
    return [_arrival(newest - step * back) for back in range(ARRIVALS_SHOWN)]


def _arrival(timestamp: int) -> Arrival:
    chance = Random(timestamp)  # noqa: S311 - sample data
    permanent = [product for product in products() if not product.seasonal]
    at = datetime.fromtimestamp(timestamp, tz=UTC)
    return Arrival(at, chance.choice(permanent), chance.randint(2, 40))
