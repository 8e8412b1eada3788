#!/usr/bin/env python3
"""Kills the server with SIGKILL under load, again and again, and counts what it lost.

Every write that was answered with success must be there after the restart, exactly once. A request that got no answer may
or may not have happened: it is sent again with the same Idempotency-Key and must then have happened exactly once; what has
no such key (PUT, DELETE) must show the state before or the state after. After each kill `probity check` must find every
invariant to hold.

Standard library only. Exit 0 when nothing was lost, 1 with a list when something was.
"""

import argparse
import contextlib
import glob
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

PERMITTED = {
    "draft": ["pending_validation", "deprecated"],
    "pending_validation": ["draft", "in_validation", "deprecated"],
    "in_validation": ["pending_validation", "needs_remediation", "validated", "deprecated"],
    "needs_remediation": ["pending_validation", "in_validation", "deprecated"],
    "validated": ["pending_validation", "needs_remediation", "deprecated"],
    "deprecated": ["draft"],
}
GONE = "gone"


class NoAnswer(Exception):
    """The request may or may not have happened."""


class Client:
    """One connection and one credential."""

    def __init__(self, port, key):
        self.port, self.key, self.connection = port, key, None

    def call(self, method, path, body=None, claim=None):
        headers = {"Authorization": f"Bearer {self.key}"}
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body)
        if claim:
            headers["Idempotency-Key"] = claim
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            self.connection.request(method, path, payload, headers)
            response = self.connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(str(error)) from error
        if response.status in (500, 503):
            raise NoAnswer(f"{response.status} {text[:300]!r}")
        return response.status, json.loads(text) if text else None

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Claimed:
    """A POST with an Idempotency-Key: answered, or to be sent again."""

    def __init__(self, path, body, accept, status=201):
        self.path, self.body, self.accept, self.status = path, body, accept, status
        self.claim = str(uuid.uuid4())

    def send(self, client):
        status, answer = client.call("POST", self.path, self.body, self.claim)
        if status != self.status:
            raise AssertionError(f"POST {self.path}: {status} {answer}")
        return answer


class Worker:
    """One thread's share: only it writes these objects, so what they must be is known."""

    def __init__(self, number, run):
        self.run, self.random = run, random.Random(f"{run.seed}/{number}")
        self.models, self.statuses = [], {}  # id -> set of statuses that may be stored
        self.products, self.links = [], {}  # product -> [link id, set of amber limits that may be stored]
        self.snapshots = {}  # product -> {snapshot id}
        self.keys, self.revoked = {}, {}  # id -> secret or None; id -> set of {False, True}
        self.usage_model, self.usage = f"seen-by-{number}-{run.name}", 0
        self.pending, self.fresh = None, set()
        self.acknowledged = 0

    # What is done. Each answers nothing and raises NoAnswer when it is in doubt.

    def step(self, client):
        does = [self.register, self.transition, self.ingest, self.batch, self.link, self.key, self.seen]
        self.random.choices(does, [3, 4, 6, 1, 2, 1, 1])[0](client)

    def claimed(self, client, claimed):
        self.pending = claimed
        answer = claimed.send(client)
        self.pending = None
        claimed.accept(answer)
        self.acknowledged += 1

    def register(self, client):
        body = {"model_id": f"m-{uuid.uuid4()}", "provider": "crash", "risk_tier": "tier_3"}
        self.claimed(client, Claimed("/api/admin/models", body, self.registered))

    def registered(self, answer):
        self.models.append(answer["id"])
        self.statuses[answer["id"]] = {answer["validation_status"]}
        self.fresh.add(("model", answer["id"]))

    def transition(self, client):
        if not self.models:
            return self.register(client)
        model = self.random.choice(self.models)
        (before,) = self.statuses[model]
        after = self.random.choice(PERMITTED[before])
        self.statuses[model] = {before, after}
        self.fresh.add(("model", model))
        status, answer = client.call("PUT", f"/api/admin/models/{model}", {"validation_status": after})
        if status != 200 or answer["validation_status"] != after:
            raise AssertionError(f"PUT {before} -> {after}: {status} {answer}")
        self.statuses[model] = {after}
        self.acknowledged += 1

    def snapshot(self, product):
        return {
            "modelId": product,
            "driftScore": self.random.choice([10, 50, 55, 70, 71, 90]),
            "fairnessScore": self.random.choice([100, 90, 85, 80, 79]),
            "sampleSize": 100,
        }

    def ingest(self, client):
        product = self.product(client)
        keep = lambda answer: self.recorded(product, [answer])
        self.claimed(client, Claimed("/api/v1/metrics", self.snapshot(product), keep, 200))

    def batch(self, client):
        product = self.product(client)
        body = {"snapshots": [self.snapshot(product) for _ in range(self.random.randint(1, 40))]}
        keep = lambda answer: self.recorded(product, answer["results"])
        self.claimed(client, Claimed("/api/v1/metrics/batch", body, keep, 200))

    def recorded(self, product, answers):
        self.snapshots[product].update(answer["snapshotId"] for answer in answers)
        self.fresh.add(("product", product))

    def product(self, client):
        if not self.products or (len(self.products) < 6 and self.random.random() < 0.05):
            path = f"/api/v1.0/catalog/spaces/{self.run.space}/model-repository/models"
            self.claimed(client, Claimed(path, {"name": f"Product {uuid.uuid4()}"}, self.created))
        return self.random.choice(self.products)

    def created(self, answer):
        self.products.append(answer["id"])
        self.snapshots[answer["id"]] = set()
        self.fresh.add(("product", answer["id"]))

    def link(self, client):
        product = self.product(client)
        amber = self.random.randint(1, 60)
        limits = {"thresholds": {"drift": {"amber": amber, "red": amber + 10}}}
        if product not in self.links:
            keep = lambda answer: self.linked(product, answer, amber)
            body = {"modelId": product, **limits}
            return self.claimed(client, Claimed("/api/v1/risk-metric-links", body, keep))
        known = self.links[product]
        path, (before,) = f"/api/v1/risk-metric-links/{known[0]}", known[1]
        self.fresh.add(("link", product))
        if self.random.random() < 0.3:
            known[1] = {before, GONE}
            status, answer = client.call("DELETE", path)
            if status != 204:
                raise AssertionError(f"DELETE {path}: {status} {answer}")
            del self.links[product]
        else:
            known[1] = {before, amber}
            status, answer = client.call("PUT", path, limits)
            if status != 200:
                raise AssertionError(f"PUT {path}: {status} {answer}")
            known[1] = {amber}
        self.acknowledged += 1

    def linked(self, product, answer, amber):
        self.links[product] = [answer["id"], {amber}]
        self.fresh.add(("link", product))

    def key(self, client):
        known = [key for key in self.keys if self.revoked[key] == {False}]
        if known and self.random.random() < 0.4:
            key = self.random.choice(known)
            self.revoked[key] = {False, True}
            self.fresh.add(("key", key))
            status, answer = client.call("DELETE", f"/api/v1/api-keys/{key}")
            if status != 204:
                raise AssertionError(f"revoke: {status} {answer}")
            self.revoked[key] = {True}
            self.acknowledged += 1
        else:
            body = {"name": "crash test", "scopes": ["read"]}
            self.claimed(client, Claimed("/api/v1/api-keys", body, self.issued))

    def issued(self, answer):
        self.keys[answer["id"]], self.revoked[answer["id"]] = answer["key"], {False}
        self.fresh.add(("key", answer["id"]))

    def seen(self, client):
        count = self.random.randint(1, 20)
        body = {"requests": [{"model": self.usage_model}] * count}
        keep = lambda answer: self.counted(answer, count)
        self.claimed(client, Claimed("/api/v1/ai-requests", body, keep, 202))

    def counted(self, answer, count):
        if answer["recorded"] != count:
            raise AssertionError(f"recorded {answer['recorded']} of {count}")
        self.usage += count

    # What must be there.

    def settle(self, client):
        """Sends again what got no answer: twice, since a second repetition must change nothing either."""
        claimed, self.pending = self.pending, None
        if claimed is None:
            return
        first, second = claimed.send(client), claimed.send(client)
        first.pop("key", None), second.pop("key", None)
        if first != second:
            raise AssertionError(f"two answers to one key: {first} {second}")
        claimed.accept({**first, "key": None})
        self.acknowledged += 1

    def verify(self, client, everything):
        """Yields what is not as it was acknowledged; what was in doubt is known afterwards."""
        wanted = self.fresh
        if everything:
            wanted = {("model", model) for model in self.models} | {("product", p) for p in self.products}
            wanted |= {("link", product) for product in self.products} | {("key", key) for key in self.keys}
        for kind, name in sorted(wanted):
            yield from getattr(self, f"verify_{kind}")(client, name)
        self.fresh = set()

    def verify_model(self, client, model):
        status, answer = client.call("GET", f"/api/admin/models/{model}")
        found = answer.get("validation_status") if status == 200 else status
        if found not in self.statuses[model]:
            yield f"model {model}: expected {self.statuses[model]}, found {found}"
        self.statuses[model] = {found}

    def verify_product(self, client, product):
        found, cursor, total = [], "", 0
        while cursor is not None:
            after = f"&cursor={cursor}" if cursor else ""
            status, answer = client.call("GET", f"/api/v1/metrics/history?modelId={product}&limit=200{after}")
            if status != 200:
                yield f"product {product}: {status} {answer}"
                return
            found += [snapshot["snapshotId"] for snapshot in answer["snapshots"]]
            cursor, total = answer["nextCursor"], answer["total"]
        known = self.snapshots[product]
        yield from (f"snapshot {one} of {product} is lost" for one in sorted(known - set(found)))
        yield from (f"snapshot {one} of {product} was never sent" for one in sorted(set(found) - known))
        if total != len(known) or len(found) != len(known):
            yield f"product {product}: {len(known)} sent, {len(found)} listed, total {total}"

    def verify_link(self, client, product):
        status, answer = client.call("GET", f"/api/v1/risk-metric-links?modelId={product}")
        links = answer["links"] if status == 200 else []
        found = links[0]["thresholds"]["drift"]["amber"] if links else GONE
        expected = self.links[product][1] if product in self.links else {GONE}
        if found not in expected or len(links) > 1:
            yield f"link of {product}: expected {expected}, found {found} ({len(links)} links)"
        if found == GONE:
            self.links.pop(product, None)
        elif product in self.links:
            self.links[product] = [links[0]["id"], {found}]

    def verify_key(self, client, key):
        status, answer = client.call("GET", f"/api/v1/api-keys/{key}")
        found = answer["revoked_at"] is not None if status == 200 else status
        if found not in self.revoked[key]:
            yield f"key {key}: revoked is {found}, expected {self.revoked[key]}"
        self.revoked[key] = {found}
        if self.keys[key]:
            status, _ = Client(client.port, self.keys[key]).call("GET", "/api/v1/alerts?limit=1")
            if status != (401 if found else 200):
                yield f"key {key}: revoked is {found}, and it opens with {status}"


class Cluster:
    """A PostgreSQL of our own, for when no URL is given."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "postgres"
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        self.bin = found[-1] + "/" if found else ""
        self.folder.mkdir()
        if os.geteuid() == 0:
            os.chmod(folder, 0o711)
            shutil.chown(self.folder, "postgres")
        self.run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust")
        port = free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"

    def run(self, program, *arguments):
        command = [self.bin + program, *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def stop(self):
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Run:
    """The server, the load and the ledger of what was acknowledged."""

    def __init__(self, options, folder, url):
        self.options, self.folder, self.seed = options, folder, options.seed
        self.name = uuid.uuid4().hex[:12]
        self.space, self.port, self.server = f"space-{self.name}", free_port(), None
        self.settings = ["--data-dir", f"{folder}/data"] + (["--database-url", url] if url else [])
        self.random, self.faults, self.stopping = random.Random(options.seed), [], threading.Event()
        self.command("org", "create", f"crash-{self.name}")
        self.key = self.command("key", "create", "--org", f"crash-{self.name}", "--name", "load", "--scope", "admin")
        self.has_check = "  check" in self.command("help")
        self.workers = [Worker(number, self) for number in range(options.threads)]

    def command(self, *arguments):
        binary = [str(self.options.binary), *arguments]
        settings = [] if arguments == ("help",) else self.settings
        return subprocess.run(binary + settings, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def start(self):
        command = [str(self.options.binary), "serve", *self.settings, "--listen", f"127.0.0.1:{self.port}"]
        command += ["--rate-limit-metrics", "0", "--rate-limit-metrics-batch", "0"]
        command += ["--log-level", "warn", "--checkpoint-interval", "1"]
        with open(f"{self.folder}/server.log", "ab") as log:
            self.server = subprocess.Popen(command, stderr=log, stdout=log)
        client = Client(self.port, self.key)
        for _ in range(600):
            with contextlib.suppress(NoAnswer):
                if client.call("GET", "/readyz")[0] == 200:
                    return client
            if self.server.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"the server does not start:\n{pathlib.Path(self.folder, 'server.log').read_text()[-3000:]}")

    def load(self, worker):
        client = Client(self.port, self.key)
        try:
            while not self.stopping.is_set():
                worker.step(client)
        except NoAnswer as error:
            if not self.stopping.is_set() and self.server.poll() is None:
                time.sleep(0.2)
                if not self.stopping.is_set():
                    self.faults.append(f"no answer from a living server: {error}")
        except Exception as error:  # every other answer is a finding
            self.faults.append(f"{type(error).__name__}: {error}")
        finally:
            client.close()

    def round(self):
        """Load, a kill at a random moment, a check of the database as it lies there, a restart, the comparison."""
        self.stopping.clear()
        threads = [threading.Thread(target=self.load, args=[worker]) for worker in self.workers]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.02, self.options.longest))
        self.stopping_soon()
        for thread in threads:
            thread.join()
        self.check()
        client = self.start()
        self.compare(client, everything=False)
        client.close()

    def stopping_soon(self):
        os.kill(self.server.pid, signal.SIGKILL)
        self.stopping.set()
        self.server.wait()

    def check(self):
        if not self.has_check:
            return
        command = [str(self.options.binary), "check", *self.settings]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            self.faults.append(f"probity check, exit {done.returncode}: {done.stdout[-2000:]}")

    def compare(self, client, everything):
        for worker in self.workers:
            try:
                worker.settle(client)
                self.faults += list(worker.verify(client, everything))
            except (AssertionError, NoAnswer) as error:
                self.faults.append(str(error))
        if everything:
            self.compare_totals(client)

    def compare_totals(self, client):
        _, page = client.call("GET", "/api/admin/models?limit=1")
        models = sum(len(worker.models) for worker in self.workers)
        if page["total"] != models:
            self.faults.append(f"{models} models were registered, the list counts {page['total']}")
        _, report = client.call("POST", "/api/admin/models/discover", {"dry_run": True})
        counts = {model["model_id"]: model["request_count_30d"] for model in report["models"]}
        for worker in self.workers:
            if counts.get(worker.usage_model, 0) != worker.usage:
                self.faults.append(f"{worker.usage} requests of {worker.usage_model}, counted {counts.get(worker.usage_model)}")

    def acknowledged(self):
        return sum(worker.acknowledged for worker in self.workers)

    def all_rounds(self):
        client = self.start()
        status, answer = client.call("POST", f"/api/v1.0/organizations/crash-{self.name}/spaces", {"slug": self.space})
        assert status == 201, answer
        client.close()
        kills = 0
        while kills < self.options.kills and not self.faults:
            self.round()
            kills += 1
            if kills % 10 == 0:
                print(f"{kills} kills, {self.acknowledged()} acknowledged writes", flush=True)
        client = Client(self.port, self.key)
        self.compare(client, everything=True)
        self.server.terminate()
        if self.server.wait(60) != 0:
            self.faults.append(f"the server ended with {self.server.returncode} on SIGTERM")
        self.check()
        return kills


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, type=lambda path: pathlib.Path(path).resolve(strict=True))
    parser.add_argument("--database", required=True, choices=["sqlite", "postgres"])
    parser.add_argument("--url", help="a PostgreSQL database to use; without one a private cluster is started")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--longest", type=float, default=1.0, help="longest time between start and kill, in seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="probity-kill9-")
    cluster, run, kills = None, None, 0
    try:
        if options.database == "postgres" and not options.url:
            cluster = Cluster(folder)
        url = cluster.url if cluster else options.url
        run = Run(options, folder, url if options.database == "postgres" else None)
        if not run.has_check:
            print("this binary has no `check`; invariants are not checked")
        kills = run.all_rounds()
    finally:
        if run and run.server and run.server.poll() is None:
            run.server.kill()
        if cluster:
            cluster.stop()
    print(f"{kills} kills, {run.acknowledged()} acknowledged writes, {len(run.faults)} lost")
    if run.faults:
        print(f"seed {options.seed}; data and log are kept in {folder}")
        print("\n".join(run.faults[:50]))
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
