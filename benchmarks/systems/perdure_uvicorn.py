"""The user code of the benchmarks on Perdure under uvicorn, on a socket that listens already."""

from __future__ import annotations

import socket
import sys

import uvicorn

from benchmarks.collector import spare_collector

from .perdure_app import asgi

if __name__ == "__main__":
    config = uvicorn.Config(asgi, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    config.load()
    spare_collector()
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[-1]))])
