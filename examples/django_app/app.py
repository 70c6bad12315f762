"""A Django project in one file: an order and the job that it starts are one transaction in Postgres."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from perdure import Perdure, SyncIO, event_trigger

if not settings.configured:
    database = conninfo_to_dict(os.environ.get("PERDURE_DATABASE_URL", ""))
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        SECRET_KEY=os.environ.get("SECRET_KEY", "only for this example"),
        USE_TZ=True,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database.get("dbname", "postgres"),
                "USER": database.get("user", ""),
                "PASSWORD": database.get("password", ""),
                "HOST": database.get("host", ""),
                "PORT": str(database.get("port", "")),
            }
        },
    )
    django.setup()

from django.core.wsgi import get_wsgi_application  # Django wants its settings first
from django.db import connection, models, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel

perdure = Perdure("django-app", database=connection)


class Order(models.Model):
    """An order; paid by the job."""

    item = models.TextField()
    paid = models.BooleanField(default=False)

    class Meta:
        """Where it is."""

        app_label = "shop"
        db_table = "shop_orders"


class OrderPlaced(BaseModel):
    """What the job gets."""

    order: int


@perdure.job(id="collect-payment", version="1.0.0", on=event_trigger("order.placed"))
def collect(payload: OrderPlaced, io: SyncIO) -> bool:
    """Mark the order paid: the row and the task's end are committed together, so it happens exactly once."""
    io.wait("settle", 1)
    return io.transaction("pay", pay, payload.order)


def pay(_connection: Any, order_id: int) -> bool:
    """Within the task's transaction: Django's own connection."""
    return Order.objects.filter(id=order_id, paid=False).update(paid=True) == 1


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    """POST places an order, GET lists them."""
    if request.method == "POST":
        with transaction.atomic():  # no order without its job, no job without its order
            order = Order.objects.create(item=request.POST["item"])
            collect.enqueue(connection, OrderPlaced(order=order.id))
        return JsonResponse({"order": order.id}, status=202)
    return JsonResponse({"orders": list(Order.objects.order_by("id").values())})


def make_tables() -> None:
    """Make the example's table, as a migration would."""
    if Order._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(Order)


urlpatterns = [path("orders", orders), path("api/perdure", perdure.django_view())]
wsgi = get_wsgi_application()
