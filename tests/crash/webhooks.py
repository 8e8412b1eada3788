#!/usr/bin/env python3
"""Kills the server with SIGKILL while it delivers webhooks, and compares what was committed with what arrived.

A receiver refuses a fifth of all attempts. At the end the set of committed events must be the set of received ids:
duplicates are counted, nothing may be lost, nothing may arrive that is not on the record, every signature must hold, and no
message may be on its way twice at once. Kills strike where deliveries are under way: how many of them did is told. With `--nodes 2` two servers share a PostgreSQL database, and each kill takes one of them.

Standard library only. Exit 0 when nothing was lost, 1 with a list when something was.
"""

import argparse
import base64
import collections
import datetime
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from kill9 import Client, Cluster, NoAnswer, free_port


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the ids of what arrived; the first attempt of every fourth message is refused."""

    daemon_threads, request_queue_size = True, 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.secret = threading.Lock(), b""
        self.taken, self.refused, self.forged = collections.Counter(), set(), 0
        self.under_way, self.at_once, self.last = set(), [], 0.0

    def handle_error(self, *_):
        """A killed client leaves broken connections behind."""

    def receive(self, headers, body):
        message = headers["webhook-id"]
        with self.lock:
            if message in self.under_way:
                self.at_once.append(message)
            self.under_way.add(message)
            self.last = time.monotonic()
        try:
            return self.judge(headers, body)
        finally:
            with self.lock:
                self.under_way.discard(message)

    def judge(self, headers, body):
        message, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        signed = f"{message}.{stamp}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(self.secret, signed, hashlib.sha256).digest()).decode()
        with self.lock:
            if self.secret and mine not in headers["webhook-signature"].split():
                self.forged += 1
            if message not in self.refused and hashlib.sha256(message.encode()).digest()[0] % 4 == 0:
                self.refused.add(message)
                return 500
            self.taken[message] += 1
            return 200


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.receive(self.headers, body)
        self.wfile.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)

    def log_message(self, *_):
        pass


class Run:
    """The server, the load, and the comparison."""

    def __init__(self, options, folder, url):
        self.options, self.folder = options, folder
        self.ports = [free_port() for _ in range(options.nodes)]
        self.servers, self.allowed = [None] * options.nodes, 0
        self.random, self.faults, self.stopping = random.Random(options.seed), [], threading.Event()
        key = pathlib.Path(folder, "webhooks.key")
        key.write_text(base64.b64encode(os.urandom(32)).decode())
        self.settings = ["--data-dir", f"{folder}/data", "--webhook-key-file", str(key)]
        self.settings += ["--database-url", url] if url else []
        self.receiver = Receiver()
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self.command("org", "create", "crash")
        self.key = self.command("key", "create", "--org", "crash", "--name", "load", "--scope", "admin")
        self.sent, self.second, self.killed, self.amidst = 0, 0, [0] * options.nodes, 0

    def command(self, *arguments):
        command = [str(self.options.binary), *arguments, *self.settings]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self, node):
        port = self.ports[node]
        command = [str(self.options.binary), "serve", *self.settings, "--listen", f"127.0.0.1:{port}"]
        command += ["--rate-limit-metrics-batch", "0", "--log-level", "warn", "--webhook-timeout", "2"]
        command += ["--webhook-private-hosts", "127.0.0.1", "--checkpoint-interval", "5"]
        # A folder of artifacts belongs to one server.
        command += ["--blob-store", f"{self.folder}/blobs-{node}"] if node else []
        with open(f"{self.folder}/server-{node}.log", "ab") as log:
            self.servers[node] = subprocess.Popen(command, stderr=log, stdout=log)
        client = Client(port, self.key)
        for _ in range(1200):
            try:
                if client.call("GET", "/readyz")[0] == 200:
                    return client
            except NoAnswer:
                pass
            time.sleep(0.05)
        log = pathlib.Path(self.folder, f"server-{node}.log").read_text()
        raise SystemExit("the server does not start:\n" + log[-3000:])

    def prepare(self, client):
        client.call("POST", "/api/v1.0/organizations/crash/spaces", {"slug": "space"})
        path = "/api/v1.0/catalog/spaces/space/model-repository/models"
        self.products = [client.call("POST", path, {"name": f"Product {n}"})[1]["id"] for n in range(4)]
        self.before = self.committed(client)
        body = {"target_url": f"http://127.0.0.1:{self.receiver.server_port}/", "event_types": []}
        status, answer = client.call("POST", "/api/v1/governance-events/webhooks", body)
        assert status == 201, answer
        self.webhook = answer["id"]
        self.receiver.secret = base64.b64decode(answer["secret"].removeprefix("whsec_"))

    def committed(self, client):
        """The ids of all events on the record."""
        found, cursor = set(), ""
        while cursor is not None:
            _, page = client.call("GET", "/api/v1/governance-events?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            found |= {event["id"] for event in page["events"]}
            cursor = page["next_cursor"]
        return found

    def load(self, number):
        """Figures that go from red to green and back: three events for two snapshots."""
        # A batch whose answer a kill took away is not counted as sent; whether it was committed, the record tells.
        client, product = Client(self.ports[number % self.options.nodes], self.key), self.products[number]
        sending = 0
        start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        try:
            while not self.stopping.is_set() and self.sent < self.options.events:
                with self.receiver.lock:
                    if self.sent < self.allowed:
                        self.second += 100
                        second = self.second
                        sending = 30
                        self.sent += sending
                    else:
                        second = None
                if second is None:
                    time.sleep(0.005)
                    continue
                at = [start + datetime.timedelta(seconds=second + n) for n in range(20)]
                body = {"snapshots": [{"modelId": product, "driftScore": 90 if n % 2 == 0 else 1, "fairnessScore": 99,
                                       "sampleSize": 1, "capturedAt": when.isoformat()} for n, when in enumerate(at)]}
                status, answer = client.call("POST", "/api/v1/metrics/batch", body)
                if status != 200:
                    raise AssertionError(f"{status} {answer}")
                sending = 0
        except NoAnswer:
            with self.receiver.lock:
                self.sent -= sending
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            client.close()

    def round(self, kill):
        self.stopping.clear()
        self.allowed = self.options.events * kill // self.options.kills
        threads = [threading.Thread(target=self.load, args=[number]) for number in range(len(self.products))]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.1, self.options.longest))
        node = self.random.randrange(self.options.nodes)
        self.amidst += time.monotonic() - self.receiver.last < 0.1
        os.kill(self.servers[node].pid, signal.SIGKILL)
        self.killed[node] += 1
        self.stopping.set()
        self.servers[node].wait()
        for thread in threads:
            thread.join()
        self.start(node).close()

    def drain(self, client):
        """Waits until nothing is pending any more."""
        last, since = None, time.monotonic()
        while time.monotonic() - since < 300:
            _, page = client.call("GET", f"/api/v1/governance-events/webhooks/{self.webhook}/deliveries?state=pending&limit=1")
            if page["count"] == 0:
                return
            now = sum(self.receiver.taken.values())
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(1)
        self.faults.append("deliveries are still pending and nothing moves")

    def compare(self, client):
        committed = self.committed(client) - self.before
        received = {one for one in self.receiver.taken if one.startswith("evt_")}
        lost, strange = committed - received, received - committed
        self.faults += [f"{len(lost)} events never arrived: {sorted(lost)[:5]}"] if lost else []
        self.faults += [f"{len(strange)} ids are not on the record: {sorted(strange)[:5]}"] if strange else []
        self.faults += [f"{self.receiver.forged} signatures do not hold"] if self.receiver.forged else []
        status, page = client.call("GET", "/api/v1/governance-events/dead-letters?limit=1")
        self.faults += ["there are dead letters"] if page["count"] else []
        at_once = self.receiver.at_once
        self.faults += [f"{len(at_once)} messages were on their way twice at once: {at_once[:5]}"] if at_once else []
        twice = sum(count - 1 for count in self.receiver.taken.values())
        attempts = sum(self.receiver.taken.values()) + len(self.receiver.refused)
        return (f"{self.options.database}, {self.options.nodes} nodes, kills of each {self.killed}, {self.amidst} amidst deliveries: {len(committed)} events committed, "
                f"{len(received)} received, {twice} duplicates, {len(self.receiver.refused)} of {attempts} attempts refused, "
                f"{len(at_once)} on their way twice at once, {time.monotonic() - self.began:.0f} s")

    def all_rounds(self):
        self.began = time.monotonic()
        client = self.start(0)
        self.prepare(client)
        client.close()
        for node in range(1, self.options.nodes):
            self.start(node).close()
        for kill in range(1, self.options.kills + 1):
            self.round(kill)
            if self.faults:
                break
            if kill % 10 == 0:
                print(f"{kill} kills, {self.sent} events, {len(self.receiver.taken)} received", flush=True)
        client = Client(self.ports[0], self.key)
        self.stopping.clear()
        self.allowed = self.options.events
        threads = [threading.Thread(target=self.load, args=[number]) for number in range(len(self.products))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.drain(client)
        told = self.compare(client)
        client.close()
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            if server.wait(90) != 0:
                self.faults.append(f"a server ended with {server.returncode} on SIGTERM")
        done = subprocess.run([str(self.options.binary), "check", *self.settings], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            self.faults.append(f"probity check, exit {done.returncode}: {done.stdout[-2000:]}")
        return told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--database", required=True, choices=["sqlite", "postgres"])
    parser.add_argument("--url", help="a PostgreSQL database to use; without one a private cluster is started")
    parser.add_argument("--nodes", type=int, default=1, help="servers on the database; more than one on PostgreSQL alone")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--longest", type=float, default=2.0, help="longest time between start and kill, in seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    if options.nodes > 1 and options.database == "sqlite":
        parser.error("--nodes: SQLite has one node")
    folder = tempfile.mkdtemp(prefix="probity-webhooks-")
    cluster, run, told = None, None, ""
    try:
        if options.database == "postgres" and not options.url:
            cluster = Cluster(folder)
        url = cluster.url if cluster else options.url
        run = Run(options, folder, url if options.database == "postgres" else None)
        told = run.all_rounds()
    finally:
        for server in run.servers if run else []:
            if server and server.poll() is None:
                server.kill()
        if cluster:
            cluster.stop()
    print(told)
    if run.faults:
        print(f"seed {options.seed}; data and log are kept in {folder}")
        print("\n".join(run.faults[:50]))
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
