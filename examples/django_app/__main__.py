"""An order is placed and paid, in one database: ``make example NAME=django_app``."""

from __future__ import annotations

import sys

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Place an order; its job marks it paid."""
    order = stage.http.post("/orders", data={"item": "lamp"}).raise_for_status().json()["order"]
    stage.tell(f"order {order} was placed")
    runs = stage.api.get("/api/v1/jobs/collect-payment/runs")["runs"]
    stage.expect(stage.finish(runs[0]["id"]), True)
    stage.expect(stage.http.get("/orders").json()["orders"], [{"id": order, "item": "lamp", "paid": True}])


def serve(port: int) -> None:
    """Django behind the threaded server of the standard library."""
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIServer, make_server

    from examples.django_app.app import make_tables, wsgi

    class ThreadingServer(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    make_tables()
    make_server("127.0.0.1", port, wsgi, server_class=ThreadingServer).serve_forever()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        command = ["-m", "examples.django_app", "serve", "{port}"]
        sys.exit(run_example(play, command=command, path="/api/perdure"))
