#!/usr/bin/env python3
"""Kills the server with SIGKILL at random bytes of an upload, resumes, and compares what became of it.

Every chunk that was answered with success has to be there after the restart. The upload ends with the right digest, the
bytes come back as they were sent, and once the server has swept nothing of uploads under way is left in the folder.
With `--memory` it sends one large file and tells how much memory the server took meanwhile instead.

Standard library only. Exit 0 when all holds.
"""

import argparse
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, binary, folder, chunk=1 << 20):
        self.binary, self.folder, self.chunk = binary, folder, chunk
        self.port, self.process = free_port(), None

    def command(self, *arguments):
        line = [self.binary, *arguments, "--data-dir", str(self.folder)]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    def start(self):
        line = [self.binary, "serve", "--data-dir", str(self.folder), "--listen", f"127.0.0.1:{self.port}",
                "--rate-limit-requests", "0", "--checkpoint-interval", "5", "--artifact-chunk-bytes", str(self.chunk)]
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(line, stdout=log, stderr=log)
        for _ in range(1200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the server does not start")

    def kill(self, sign=signal.SIGKILL):
        self.process.send_signal(sign)
        self.process.wait()


class Client:
    def __init__(self, port, key):
        self.port, self.key = port, key

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        base = {"Authorization": f"Bearer {self.key}"}
        if isinstance(body, (dict, list)):
            body, base["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body, {**base, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def must(self, method, path, body=None, headers=None):
        # On a machine that is overloaded a server that has just started may find no time to read a head.
        for _ in range(5):
            status, text = self.call(method, path, body, headers)
            if status != 408:
                break
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {text[:400]!r}")
        return json.loads(text) if text else None


def prepare(server):
    server.folder.mkdir(parents=True, exist_ok=True)
    server.command("org", "create", "acme", "--name", "Acme")
    key = server.command("key", "create", "--org", "acme", "--name", "crash", "--scope", "admin")
    key = re.search(r"prb_\w+", key).group(0)
    server.start()
    client = Client(server.port, key)
    client.must("POST", "/api/v1.0/organizations/acme/spaces", {"slug": "lab", "name": "Lab"})
    made = client.must("POST", "/api/v1.0/catalog/spaces/lab/model-repository/models", {"name": "Model"})
    return client, f"/api/v1.0/catalog/products/{made['id']}/model-artifacts"


def initiate(client, base, total, digest=None):
    body = {"file_name": "a.bin", "content_type": "application/octet-stream", "total_size_bytes": total}
    if digest:
        body["sha256"] = digest
    return client.must("POST", f"{base}/uploads", body)


def crashes(server, client, base, rounds, seed):
    rng = random.Random(seed)
    kills, acknowledged_lost = 0, 0
    while kills < rounds:
        content = rng.randbytes(rng.randrange(1, 12 << 20))
        session = initiate(client, base, len(content), hashlib.sha256(content).hexdigest())
        path, size = f"{base}/uploads/{session['id']}", session["chunk_size_bytes"]
        count = -(-len(content) // size)
        known, finished, made = set(), False, None
        while not finished:
            killer = None
            if kills < rounds:
                killer = threading.Timer(rng.uniform(0.0, 0.25), server.kill)
                killer.start()
            try:
                while True:
                    missing = [index for index in range(count) if index not in known]
                    if not missing:
                        break
                    index = rng.choice(missing)
                    part = content[index * size:(index + 1) * size]
                    status, _ = client.call("PUT", f"{path}/chunks/{index}", part,
                                            {"Content-Type": "application/octet-stream"})
                    if status == 200:
                        known.add(index)
                status, text = client.call("POST", f"{path}/complete", {})
                if status == 408:
                    continue
                if status != 200:
                    raise SystemExit(f"complete: {status} {text[:300]!r}")
                made, finished = json.loads(text), True
            except (OSError, http.client.HTTPException):
                pass
            if killer is not None:
                killer.join()
                kills += 1
                server.start()
                state = client.must("GET", path)
                there = set(state["received_chunks"])
                acknowledged_lost += len(known - there)
                known = there
                if state["status"] == "completed" and not finished:
                    made, finished = client.must("POST", f"{path}/complete", {}), True
        if made["sha256"] != hashlib.sha256(content).hexdigest():
            raise SystemExit("another digest")
        status, back = client.call("GET", f"{base}/{made['id']}/download")
        if status != 200 or back != content:
            raise SystemExit(f"other bytes came back: {status}")
    print(f"{kills} kills, {acknowledged_lost} acknowledged chunks lost")
    deadline, left = time.time() + 180, None
    while time.time() < deadline:
        left = [entry for entry in (server.folder / "artifacts" / "staging").glob("*/*")]
        if not left:
            break
        time.sleep(2)
    print(f"{len(left)} uploads left in staging after the sweep")
    server.kill(signal.SIGTERM)
    print(server.command("check").splitlines()[-1])
    return acknowledged_lost == 0 and not left


def rss(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))


def memory(server, client, base, size, parallel):
    piece = random.Random(1).randbytes(server.chunk)
    chunks = size // server.chunk
    hashed = hashlib.sha256()
    for _ in range(chunks):
        hashed.update(piece)
    time.sleep(1)
    idle, peak, stop = rss(server.process.pid), 0, threading.Event()

    def watch():
        nonlocal peak
        while not stop.is_set():
            peak = max(peak, rss(server.process.pid))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    session = initiate(client, base, chunks * server.chunk, hashed.hexdigest())
    path, began = f"{base}/uploads/{session['id']}", time.time()
    queue, lock = iter(range(chunks)), threading.Lock()

    def send():
        while True:
            with lock:
                index = next(queue, None)
            if index is None:
                return
            client.must("PUT", f"{path}/chunks/{index}", piece, {"Content-Type": "application/octet-stream"})

    senders = [threading.Thread(target=send) for _ in range(parallel)]
    [sender.start() for sender in senders]
    [sender.join() for sender in senders]
    sent = time.time() - began
    began = time.time()
    made = client.must("POST", f"{path}/complete", {})
    completed = time.time() - began
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("GET", f"{base}/{made['id']}/download", headers={"Authorization": f"Bearer {client.key}"})
    response, back = connection.getresponse(), hashlib.sha256()
    while data := response.read(1 << 20):
        back.update(data)
    stop.set()
    watcher.join()
    assert back.hexdigest() == made["sha256"] == hashed.hexdigest()
    print(f"{chunks} chunks of {server.chunk >> 20} MiB, {parallel} senders: sent in {sent:.1f} s, completed in {completed * 1000:.0f} ms; "
          f"PSS idle {idle / 1024:.1f} MiB, peak above idle {(peak - idle) / 1024:.1f} MiB")
    return peak - idle < 64 * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/debug/probity")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", type=int, metavar="MIB", help="send one file of so many MiB and tell the memory")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=1, metavar="MIB", help="size of a chunk")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="probity-uploads-"))
    server = Server(os.path.abspath(options.binary), folder / "data", options.chunk << 20)
    try:
        client, base = prepare(server)
        if options.memory:
            sound = memory(server, client, base, options.memory << 20, options.parallel)
        else:
            sound = crashes(server, client, base, options.kills, options.seed)
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
