"""A picture is uploaded: ``make example NAME=flask_app``. Flask behind werkzeug's threaded server."""

from __future__ import annotations

import sys

from werkzeug.serving import run_simple

from examples.stage import Stage, run_example


def play(stage: Stage) -> None:
    """Upload a picture and look how far it is."""
    event = stage.http.post("/pictures", json={"name": "cat.jpg"}).raise_for_status().json()["event"]
    thumbnails = stage.finish(stage.run_of(event))
    stage.expect(sorted(thumbnails), ["256", "64"])
    (run,) = stage.http.get(f"/events/{event}").json()
    stage.expect(run["status"], "SUCCESS")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        from examples.flask_app.app import wsgi

        run_simple("127.0.0.1", int(sys.argv[2]), wsgi, threaded=True)
    else:
        command = ["-m", "examples.flask_app", "serve", "{port}"]
        sys.exit(run_example(play, command=command, path="/api/perdure"))
