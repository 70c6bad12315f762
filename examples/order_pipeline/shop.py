"""What stands for a shop's other services: a warehouse, a bank, a carrier, people. All in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pydantic import BaseModel


class Order(BaseModel):
    """What a customer ordered; the price is in cents."""

    id: str
    item: str
    quantity: int
    price: int


class Reservation(BaseModel):
    """Goods put aside."""

    id: str
    item: str
    quantity: int


class Payment(BaseModel):
    """Money taken."""

    id: str
    amount: int


class Parcel(BaseModel):
    """Goods on their way."""

    tracking: str


class OutOfStock(Exception):
    """The warehouse does not have so many."""


@dataclass
class Shop:
    """The services. Asked the same thing again, as happens when the app is killed, they do it once only."""

    stock: Counter[str] = field(default_factory=lambda: Counter({"lamp": 10, "sofa": 2}))
    balance: int = 0
    parcels: list[str] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    """Where a manager answers, by order."""
    done: set[str] = field(default_factory=set)
    tried: Counter[str] = field(default_factory=Counter)
    carrier_is_away: bool = False

    async def reserve(self, order: Order) -> Reservation:
        """Put goods aside."""
        if self._first(f"reserve {order.id}"):
            if self.stock[order.item] < order.quantity:
                raise OutOfStock(f"{self.stock[order.item]} of {order.item!r} left")
            self.stock[order.item] -= order.quantity
        return Reservation(id=f"res-{order.id}", item=order.item, quantity=order.quantity)

    async def release(self, reservation: Reservation) -> None:
        """Put reserved goods back."""
        if self._first(f"release {reservation.id}"):
            self.stock[reservation.item] += reservation.quantity

    async def charge(self, order: Order) -> Payment:
        """Take the money."""
        if self._first(f"charge {order.id}"):
            self.balance += order.price
        return Payment(id=f"pay-{order.id}", amount=order.price)

    async def refund(self, payment: Payment) -> None:
        """Give the money back."""
        if self._first(f"refund {payment.id}"):
            self.balance -= payment.amount

    async def ask_manager(self, order: Order, url: str) -> None:
        """Send a manager the address at which to approve."""
        self.questions[order.id] = url
        print(f"order {order.id} over {order.price / 100:.2f} needs an approval: POST to {url}", flush=True)

    async def ship(self, order: Order) -> Parcel:
        """Hand the goods to the carrier."""
        self.tried[f"ship {order.id}"] += 1
        if self.carrier_is_away:
            raise ConnectionError("the carrier does not answer")
        if self._first(f"ship {order.id}"):
            self.parcels.append(order.id)
        return Parcel(tracking=f"track-{order.id}")

    def _first(self, what: str) -> bool:
        """True the first time that this is asked for, as an idempotency key has it."""
        is_first = what not in self.done
        self.done.add(what)
        return is_first
