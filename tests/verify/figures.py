#!/usr/bin/env python3
"""Figures of the record over HTTP, beside bare SHA-256 in the same run.

    figures.py BINARY [--proofs 10000,10000000] [--entries 1000000] [--rounds 7] [--data FOLDER]

Makes SQLite databases with logs of these lengths, as a server would have left them, starts the server on each, and measures in
alternating rounds: an inclusion proof (`/audit/proof/inclusion`, with the root, p50 over random entries), and for the log of whole
entries the export of all of it and `probity verify` of the bundle (entries/s, PSS before and at its peak). `--data` keeps the
databases for another binary. Needs Python 3.9 and nothing else.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import http.client

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import Server

sha = hashlib.sha256


class Tree:
    """Appends leaf hashes; keeps the frontier and the roots of subtrees at every `step`th level."""

    def __init__(self, step):
        self.step, self.size, self.parts, self.nodes = step, 0, [], []

    def append(self, digest):
        size, height = self.size, 0
        self.size = end = size + 1
        while size >> height & 1:
            digest = sha(b"\1" + self.parts.pop() + digest).digest()
            height += 1
            if height % self.step == 0:
                self.nodes.append((height, (end >> height) - 1, digest))
        self.parts.append(digest)


def whole_entry(org, seq):
    """A leaf as an ingestion makes it, with both slots open: 232 bytes and two slots of 60 and 200."""
    salts = os.urandom(64)
    actor = b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"api_key"}'
    detail = json.dumps({"snapshots": [{"id": f"{seq:036d}", "status": "GREEN"}], "alerts": [], "note": "x" * 90},
                        separators=(",", ":"), sort_keys=True).encode()
    slots = {}
    for name, salt, data in (("actor", salts[:32], actor), ("detail", salts[32:], detail)):
        made = sha(b"probity-slot/v1\n" + name.encode() + b"\n" + salt + data).digest()
        slots[name] = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    milliseconds = 1_790_000_000_000 + seq
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"
    leaf = json.dumps({"action": "metric.snapshot.recorded", "org": org, "seq": seq, "slots": slots,
                       "target": {"id": f"{seq:08x}-0000-4000-8000-000000000000", "type": "metric_snapshot"}, "ts": at, "v": 1},
                      separators=(",", ":"), sort_keys=True).encode()
    return leaf, salts[:32], actor, salts[32:], detail


def fill(path, length, whole):
    """Appends leaves to the log of the only organisation, up to a length."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")
        columns = [row[1] for row in database.execute("PRAGMA table_info(audit_heads)")]
        tree = Tree(4 if "sparse" in columns else 8)
        org, no = database.execute("SELECT organization_id, no FROM audit_heads").fetchone()
        spelled = re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", org.hex())
        for (digest,) in database.execute("SELECT leaf_hash FROM audit_entries ORDER BY position").fetchall():
            tree.append(digest)
        tree.nodes.clear()
        padding = bytes(300)
        while tree.size < length:
            rows = []
            for seq in range(tree.size, min(length, tree.size + 20_000)):
                if whole:
                    entry = whole_entry(spelled, seq)
                    digest = sha(b"\0" + entry[0]).digest()
                else:
                    entry, digest = (None, None, None, None, padding), sha(seq.to_bytes(8, "big")).digest()
                tree.append(digest)
                rows.append(((no << 40) + seq, org, digest, *entry))
            database.executemany("INSERT INTO audit_entries (position, organization_id, leaf_hash, leaf, actor_salt, actor, "
                                 "detail_salt, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.executemany("INSERT OR REPLACE INTO audit_nodes VALUES (?, ?, ?, ?)", [(org, *node) for node in tree.nodes])
            tree.nodes.clear()
            database.commit()
        database.execute("UPDATE audit_heads SET size = ?, frontier = ?", (tree.size, b"".join(tree.parts)))
        if "indexed" in columns:
            database.execute("UPDATE audit_heads SET sparse = 0, indexed = size / 256")
        database.commit()


def prepared(binary, folder, length, whole):
    data = os.path.join(folder, f"{'entries' if whole else 'proofs'}-{length}")
    server = Server(os.path.abspath(binary), data)
    kept = os.path.join(data, "key")
    if not os.path.exists(kept):
        os.makedirs(data)
        server.run("org", "create", "acme")
        key = server.run("key", "create", "--org", "acme", "--name", "figures", "--scope", "admin")
        begun = time.monotonic()
        fill(os.path.join(data, "probity.db"), length, whole)
        print(f"{length} leaves made in {time.monotonic() - begun:.0f} s", flush=True)
        with open(kept, "w") as file:
            file.write(key)
    with open(kept) as file:
        server.key = file.read()
    return server.start()


class Client:
    def __init__(self, server):
        host, port = server.base.removeprefix("http://").split(":")
        self.connection, self.headers = http.client.HTTPConnection(host, int(port)), {"Authorization": f"Bearer {server.key}"}

    def get(self, path):
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return body


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"Pss:\s+(\d+)", file.read())[1]) / 1024


def bare_sha256(records=300_000):
    record, begun = os.urandom(232), time.process_time()
    for _ in range(records):
        sha(record)
    return records / (time.process_time() - begun)


def proofs(servers, rounds):
    """p50 of a proof, in alternating rounds; a fresh random entry each time, so that no cache helps one length alone."""
    clients = {length: Client(server) for length, server in servers.items()}
    for length, client in clients.items():
        client.get("/api/v1/audit/checkpoint")
    took = {length: [] for length in servers}
    for _ in range(rounds):
        for length, client in clients.items():
            times = []
            for _ in range(200):
                index = random.randrange(length)
                begun = time.perf_counter()
                client.get(f"/api/v1/audit/proof/inclusion?index={index}&size={length}")
                times.append(time.perf_counter() - begun)
            took[length].append(statistics.median(times) * 1000)
    for length, medians in took.items():
        print(f"inclusion proof of {length} leaves over HTTP: p50 {statistics.median(medians):.3f} ms "
              f"[{min(medians):.3f}..{max(medians):.3f}]")
    if len(took) > 1:
        first, *_, last = took.values()
        ratios = [b / a for a, b in zip(first, last)]
        print(f"the longest / the shortest: {statistics.median(ratios):.2f} [{min(ratios):.2f}..{max(ratios):.2f}]")


class Peak:
    """The most memory of a process while this is entered."""

    def __init__(self, pid):
        self.pid, self.most, self.ended = pid, pss(pid), threading.Event()
        self.watcher = threading.Thread(target=self.watch)

    def watch(self):
        while not self.ended.wait(0.05):
            with contextlib.suppress(OSError):
                self.most = max(self.most, pss(self.pid))

    def __enter__(self):
        self.watcher.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.watcher.join()


def export(server, binary, entries, folder):
    client = Client(server)
    client.get("/api/v1/audit/checkpoint")
    before = pss(server.process.pid)
    path, begun = os.path.join(folder, "bundle"), time.monotonic()
    with Peak(server.process.pid) as peak:
        client.connection.request("GET", "/api/v1/audit/export", headers=client.headers)
        with open(path, "wb") as file:
            shutil.copyfileobj(client.connection.getresponse(), file, 1 << 20)
    took = time.monotonic() - begun
    rate = entries / took
    print(f"export over HTTP: {rate:.0f} entries/s ({os.path.getsize(path) / entries:.0f} bytes an entry), "
          f"PSS before {before:.1f} MiB, peak {peak.most:.1f} MiB")
    begun = time.monotonic()
    verifier = subprocess.Popen([os.path.abspath(binary), "verify", path], stdout=subprocess.PIPE, text=True)
    with Peak(verifier.pid) as peak:
        told = verifier.communicate()[0]
    took = time.monotonic() - begun
    assert verifier.returncode == 3, told
    print(f"probity verify: {entries / took:.0f} entries/s, PSS at its peak {peak.most:.1f} MiB")
    os.remove(path)
    return rate, entries / took


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("binary")
    arguments.add_argument("--proofs", default="10000,10000000")
    arguments.add_argument("--entries", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--data")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, servers = given.data or folder, []
        try:
            lengths = [int(text) for text in given.proofs.split(",") if text]
            of_length = {}
            for length in lengths:
                of_length[length] = prepared(given.binary, data, length, False)
                servers.append(of_length[length])
            if lengths:
                proofs(of_length, given.rounds)
            if given.entries:
                server = prepared(given.binary, data, given.entries, True)
                servers.append(server)
                rates = export(server, given.binary, given.entries, folder)
                bare = bare_sha256()
                print(f"bare SHA-256 over 232 bytes: {bare:.0f}/s; export {rates[0] / bare:.3f}, verify {rates[1] / bare:.3f} of it")
        finally:
            for server in servers:
                server.stop(signal.SIGTERM)


if __name__ == "__main__":
    main()
