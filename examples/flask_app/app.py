"""A Flask app that makes thumbnails after the upload's request has ended. No event loop anywhere."""

from __future__ import annotations

import hashlib

from flask import Flask, Response, current_app, jsonify, request
from pydantic import BaseModel
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from perdure import Perdure, Retry, SyncIO, TaskOptions, event_trigger

perdure = Perdure("flask-app")
flask = Flask("flask-app")
flask.config["SIZES"] = [64, 256]


class Upload(BaseModel):
    """A picture that was uploaded."""

    name: str


def scale(name: str, size: int) -> str:
    """What stands for the work: the thumbnail's address."""
    digest = hashlib.sha256(f"{name} {size}".encode()).hexdigest()
    return f"/thumbnails/{digest[:12]}-{size}.webp"


@perdure.job(id="thumbnails", version="1.0.0", on=event_trigger("picture.uploaded"))
def thumbnails(payload: Upload, io: SyncIO) -> dict[str, str]:
    """Make a thumbnail of each size."""
    with flask.app_context():
        sizes: list[int] = current_app.config["SIZES"]
    options = TaskOptions(retry=Retry(limit=3))
    made = {}
    for size in sizes:
        made[str(size)] = io.run_task(["scale", size], scale, payload.name, size, options=options)
    return made


@flask.post("/pictures")
def upload() -> tuple[dict[str, str], int]:
    """Take a picture."""
    event = perdure.sync.send_event("picture.uploaded", Upload.model_validate(request.get_json()))
    return {"event": event.id}, 202


@flask.get("/events/<event_id>")
def runs(event_id: str) -> Response:
    """How far the jobs of an upload are."""
    return jsonify([run.to_wire() for run in perdure.sync.get_event(event_id).runs])


wsgi = DispatcherMiddleware(flask.wsgi_app, {"/api/perdure": perdure.wsgi()})
