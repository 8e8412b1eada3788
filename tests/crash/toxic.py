#!/usr/bin/env python3
"""Measures how long events take to a good endpoint, alone and beside endpoints that hang, that answer without end, and that reset.

Short rounds without and with the bad endpoints alternate, so that what else the machine does falls on both alike. The p99 beside the
bad endpoints is compared with that alone: within each pair of rounds, of which the median counts, and over all events of all rounds.
Exit 0 when the median of the pairs is within the limit, 1 otherwise. Standard library only.
"""

import argparse
import base64
import http.server
import multiprocessing
import os
import pathlib
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

from kill9 import Client, NoAnswer, free_port


class Good(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.arrived = []

    def handle_error(self, *_):
        """The server that is stopped leaves broken connections behind."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.arrived.append(time.monotonic())
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    def log_message(self, *_):
        pass


def bad(behave):
    """A listener that treats every connection badly, in a process of its own; answers its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def serve():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=behave, args=[connection], daemon=True).start()

    multiprocessing.get_context("fork").Process(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def hang(connection):
    time.sleep(600)
    connection.close()


FLOOD = b"HTTP/1.1 500 X\r\ncontent-length: 10000000\r\n\r\n" + b"x" * 10_000_000


def flood(connection):
    try:
        connection.recv(65536)
        connection.sendall(FLOOD)
    except OSError:
        pass
    connection.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Run:
    def __init__(self, options, folder):
        self.folder, self.options, self.port = folder, options, free_port()
        key = pathlib.Path(folder, "webhooks.key")
        key.write_text(base64.b64encode(os.urandom(32)).decode())
        self.settings = ["--data-dir", f"{folder}/data", "--webhook-key-file", str(key)]
        self.good = Good()
        threading.Thread(target=self.good.serve_forever, daemon=True).start()

    def command(self, *arguments):
        command = [str(self.options.binary), *arguments, *self.settings]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self):
        self.command("org", "create", "acme")
        key = self.command("key", "create", "--org", "acme", "--name", "load", "--scope", "admin")
        serve = [str(self.options.binary), "serve", *self.settings, "--listen", f"127.0.0.1:{self.port}"]
        serve += ["--rate-limit-metrics", "0", "--log-level", "error", "--webhook-private-hosts", "127.0.0.1"]
        self.server = subprocess.Popen(serve)
        self.client = Client(self.port, key)
        for _ in range(600):
            try:
                self.client.call("GET", "/readyz")
                break
            except NoAnswer:
                time.sleep(0.05)
        self.client.call("POST", "/api/v1.0/organizations/acme/spaces", {"slug": "space"})
        path = "/api/v1.0/catalog/spaces/space/model-repository/models"
        self.product = self.client.call("POST", path, {"name": "Product"})[1]["id"]
        self.register(self.good.server_port)

    def register(self, port):
        body = {"target_url": f"http://127.0.0.1:{port}/", "event_types": ["guardian.trigger.fired", "alert.resolved"]}
        status, answer = self.client.call("POST", "/api/v1/governance-events/webhooks", body)
        assert status == 201, answer
        return answer["id"]

    def measure(self):
        """Seconds from the request that makes an event to its arrival, one event at a time."""
        took = []
        for number in range(self.options.events):
            due = time.monotonic() + 0.02
            before, sent = len(self.good.arrived), time.monotonic()
            body = {"modelId": self.product, "driftScore": 90 if number % 2 == 0 else 1, "fairnessScore": 99, "sampleSize": 1}
            self.client.call("POST", "/api/v1/metrics", body)
            while len(self.good.arrived) == before and time.monotonic() - sent < 30:
                time.sleep(0.0005)
            took.append(self.good.arrived[before] - sent if len(self.good.arrived) > before else 30.0)
            time.sleep(max(0, due - time.monotonic()))
        return took

    def all_rounds(self):
        self.start()
        time.sleep(1)
        alone, beside, ratios = [], [], []
        hooks = [self.register(bad(behave)) for behave in (hang, flood, reset)]
        for number in range(self.options.rounds):
            pair = []
            for bad_ones in (False, True):
                for hook in hooks:
                    path = f"/api/v1/governance-events/webhooks/{hook}"
                    self.client.call("PATCH", path, {"status": "enabled" if bad_ones else "disabled"})
                time.sleep(0.5)
                took = self.measure()
                (beside if bad_ones else alone).extend(took)
                pair.append(at(took, 0.99))
                kind = "beside bad ones" if bad_ones else "alone"
                print(f"round {number + 1} {kind}: p50 {at(took, 0.5) * 1000:.1f} ms, p99 {pair[-1] * 1000:.1f} ms", flush=True)
            ratios.append(pair[1] / pair[0])
        for kind, took in (("alone", alone), ("beside bad ones", beside)):
            print(f"{kind}: {len(took)} events, p50 {at(took, 0.5) * 1000:.1f} ms, p99 {at(took, 0.99) * 1000:.1f} ms")
        ratio = statistics.median(ratios)
        print(f"p99 ratio: median of {len(ratios)} pairs {ratio:.2f}, of all events {at(beside, 0.99) / at(alone, 0.99):.2f}")
        return ratio


def at(took, share):
    return sorted(took)[int(len(took) * share)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--events", type=int, default=200, help="events of a round")
    parser.add_argument("--rounds", type=int, default=9, help="pairs of rounds")
    parser.add_argument("--limit", type=float, default=1.2, help="largest ratio of p99 that is good enough")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="probity-toxic-") as folder:
        run = Run(options, folder)
        try:
            ratio = run.all_rounds()
        finally:
            run.server.kill()
    sys.exit(ratio > options.limit)


if __name__ == "__main__":
    main()
