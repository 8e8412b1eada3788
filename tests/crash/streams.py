#!/usr/bin/env python3
"""Measures how long events take to a listener of the event stream: from the answer to the request that makes the event, and from
its sending. On PostgreSQL the listener hangs at one node and another node writes; rounds at the same node alternate with those.

Standard library only.
"""

import argparse
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from kill9 import Client, Cluster, NoAnswer, free_port
from toxic import at


class Run:
    def __init__(self, options, folder, url):
        self.options, self.folder, self.servers = options, folder, []
        self.settings = ["--data-dir", f"{folder}/data"] + (["--database-url", url] if url else [])
        self.command("org", "create", "acme")
        self.key = self.command("key", "create", "--org", "acme", "--name", "load", "--scope", "admin")
        self.ports = [self.start(node) for node in range(2 if url else 1)]
        self.client = Client(self.ports[0], self.key)
        self.client.call("POST", "/api/v1.0/organizations/acme/spaces", {"slug": "space"})
        path = "/api/v1.0/catalog/spaces/space/model-repository/models"
        self.product = self.client.call("POST", path, {"name": "Product"})[1]["id"]

    def command(self, *arguments):
        command = [str(self.options.binary), *arguments, *self.settings]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self, node):
        port = free_port()
        serve = [str(self.options.binary), "serve", *self.settings, "--listen", f"127.0.0.1:{port}", "--log-level", "error"]
        serve += ["--rate-limit-metrics", "0", "--blob-store", f"{self.folder}/blobs-{node}"]
        self.servers.append(subprocess.Popen(serve))
        for _ in range(600):
            try:
                if Client(port, self.key).call("GET", "/readyz")[0] == 200:
                    return port
            except NoAnswer:
                time.sleep(0.05)
        raise SystemExit("the server does not start")

    def listen(self, port, heard):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        query = "?event_type=guardian.trigger.fired&event_type=alert.resolved"
        headers = {"Authorization": f"Bearer {self.key}"}
        connection.request("GET", "/api/v1/governance-events/stream" + query, headers=headers)
        response = connection.getresponse()
        assert response.status == 200, response.status

        def read():
            try:
                for line in response:
                    if line.startswith(b"data:"):
                        heard.append((time.monotonic(), json.loads(line[5:])["audit_index"]))
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                pass

        threading.Thread(target=read, daemon=True).start()
        return connection

    def round(self, port):
        heard, sent = [], []
        connection = self.listen(port, heard)
        time.sleep(0.3)
        for number in range(self.options.events):
            body = {"modelId": self.product, "driftScore": 90 if number % 2 == 0 else 1, "fairnessScore": 99, "sampleSize": 1}
            before = time.monotonic()
            status, _ = self.client.call("POST", "/api/v1/metrics", body)
            assert status == 200
            sent.append((before, time.monotonic()))
            deadline = time.monotonic() + 10
            while len(heard) <= number and time.monotonic() < deadline:
                time.sleep(0.0005)
            assert len(heard) == number + 1, f"event {number} is not heard"
            time.sleep(0.02)
        # Closing alone would wait for the thread that reads, which waits for the next heartbeat.
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        positions = [index for _, index in heard]
        assert positions == sorted(set(positions)), "out of order or twice"
        return [(when - before, when - answered) for (when, _), (before, answered) in zip(heard, sent)]

    def measure(self):
        places = {"same node": self.ports[0]}
        if len(self.ports) > 1:
            places["another node"] = self.ports[1]
        took = {place: [] for place in places}
        for _ in range(self.options.rounds):
            for place, port in places.items():
                took[place] += self.round(port)
        for place, figures in took.items():
            whole, rest = [one for one, _ in figures], [one for _, one in figures]
            print(f"{self.options.database}, {place}: {len(figures)} events; from sending p50 {at(whole, 0.5) * 1000:.1f} ms, p99 "
                  f"{at(whole, 0.99) * 1000:.1f} ms; from the answer p50 {at(rest, 0.5) * 1000:.1f} ms, p99 {at(rest, 0.99) * 1000:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--database", required=True, choices=["sqlite", "postgres"])
    parser.add_argument("--events", type=int, default=50, help="events of a round")
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="probity-streams-")
    cluster, run = None, None
    try:
        cluster = Cluster(folder) if options.database == "postgres" else None
        run = Run(options, folder, cluster.url if cluster else None)
        run.measure()
    finally:
        for server in run.servers if run else []:
            server.kill()
        if cluster:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
