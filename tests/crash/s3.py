#!/usr/bin/env python3
"""Two servers over one PostgreSQL and one object store; the first is killed in the middle of an upload.

Chunks come from parallel senders at both servers, out of order, some of them twice and some with other bytes first. The
first server is killed with SIGKILL while they come and the second completes the upload: the artifact has the right
digest, every chunk that was answered with success counted, a download leads to a signed address of the object store and
gives the bytes that were sent. Uploads of the same bytes become one object. When the artifacts are deleted and the server
has swept, the bucket is empty. A backup taken meanwhile comes back into another bucket with every byte.

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
import urllib.parse

from kill9 import Cluster, free_port

KEY_ID, SECRET = "crash-key", "crash-secret"
CHUNK = 5 << 20


class Store:
    """The object store: a program over a folder whose folders are buckets."""

    def __init__(self, program, folder):
        self.folder = folder / "objects"
        for bucket in ("mod", "res"):
            (self.folder / bucket).mkdir(parents=True)
        line = [program, str(self.folder), "127.0.0.1:0", KEY_ID, SECRET]
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise SystemExit("the object store does not start")

    def names(self, bucket="mod"):
        files = (self.folder / bucket).rglob("*")
        names = [str(path.relative_to(self.folder / bucket)) for path in files if path.is_file()]
        return sorted(name for name in names if not name.endswith(".ready"))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Node:
    def __init__(self, binary, folder, database, store, bucket="mod"):
        self.binary, self.folder, self.port, self.process = binary, folder, free_port(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = ["--data-dir", str(folder), "--database-url", database, "--s3-endpoint", store.url,
                         "--s3-bucket", bucket, "--s3-prefix", "p"]
        self.environment = {**os.environ, "PROBITY_S3_ACCESS_KEY_ID": KEY_ID, "PROBITY_S3_SECRET_ACCESS_KEY": SECRET}

    def command(self, *arguments):
        done = subprocess.run([self.binary, *arguments, *self.settings], env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stdout[-800:]} {done.stderr[-800:]}")
        return done.stdout.strip()

    def start(self):
        line = [self.binary, "serve", *self.settings, "--listen", f"127.0.0.1:{self.port}", "--rate-limit-requests", "0",
                "--artifact-chunk-bytes", str(CHUNK), "--log-level", "warn"]
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(line, stdout=log, stderr=log, env=self.environment)
        for _ in range(1200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit((self.folder / "log").read_text()[-2000:])
                time.sleep(0.05)
        raise SystemExit("the server does not start")

    def stop(self, sign=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sign)
            self.process.wait()

    def call(self, key, method, path, body=None, kind=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Authorization": f"Bearer {key}"}
        if isinstance(body, dict):
            body, kind = json.dumps(body), "application/json"
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def must(self, key, method, path, body=None, expected=(200, 201, 204)):
        status, _, text = self.call(key, method, path, body)
        if status not in expected:
            raise SystemExit(f"{method} {path}: {status} {text[:600]!r}")
        return json.loads(text) if text else None


def fetch(address):
    """What is at an address, asked for without any credentials of ours."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    return response.status, response.read()


class Upload:
    """One upload whose chunks come from many senders at several servers."""

    def __init__(self, nodes, key, base, content, seed):
        self.nodes, self.key, self.base, self.content = nodes, key, base, content
        self.random, self.lock, self.acknowledged, self.faults = random.Random(seed), threading.Lock(), set(), []
        self.digest = hashlib.sha256(content).hexdigest()
        body = {"file_name": "modell ä.bin", "content_type": "application/octet-stream",
                "total_size_bytes": len(content), "sha256": self.digest}
        made = nodes[0].must(key, "POST", f"{base}/uploads", body)
        self.path, self.size = f"{base}/uploads/{made['id']}", made["chunk_size_bytes"]
        self.count = -(-len(content) // self.size)

    def part(self, index):
        return self.content[index * self.size:(index + 1) * self.size]

    def put(self, node, index, body):
        return node.call(self.key, "PUT", f"{self.path}/chunks/{index}", body, "application/octet-stream")[0]

    def send(self, indexes, nodes):
        for index in indexes:
            part, node = self.part(index), self.random.choice(nodes)
            try:
                if self.random.random() < 0.3:
                    self.put(node, index, bytes(len(part)))
                status = self.put(node, index, part)
                if status == 200 and self.random.random() < 0.3:
                    status = self.put(self.random.choice(nodes), index, part)
                if status == 200:
                    with self.lock:
                        self.acknowledged.add(index)
                elif status not in (503,):
                    self.faults.append(f"chunk {index}: {status}")
            except (OSError, http.client.HTTPException):
                pass

    def send_all(self, indexes, nodes, senders):
        shuffled = list(indexes)
        self.random.shuffle(shuffled)
        threads = [threading.Thread(target=self.send, args=(shuffled[n::senders], nodes)) for n in range(senders)]
        [thread.start() for thread in threads]
        return threads


def content(seed, size):
    return random.Random(seed).randbytes(size)


def require(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def switch_nodes(first, second, key, base, size, seed):
    """The first server dies while chunks come; the second takes the rest and completes."""
    upload = Upload([first, second], key, base, content(seed, size), seed)
    threads = upload.send_all(range(upload.count), [first, second], 6)
    while len(upload.acknowledged) < upload.count // 3:
        time.sleep(0.01)
    first.stop(signal.SIGKILL)
    [thread.join() for thread in threads]
    state = second.must(key, "GET", upload.path)
    lost = upload.acknowledged - set(state["received_chunks"])
    require(not lost, f"acknowledged chunks are lost: {sorted(lost)}")
    require(not upload.faults, upload.faults[:5])
    # What has no acknowledgement may have arrived with the bytes that were to be replaced.
    rest = [index for index in range(upload.count) if index not in upload.acknowledged]
    for index in rest:
        status = upload.put(second, index, upload.part(index))
        require(status == 200, f"chunk {index} at the second server: {status}")
    began = time.time()
    made = second.must(key, "POST", f"{upload.path}/complete", {})
    print(f"{upload.count} chunks, {len(upload.acknowledged)} of them acknowledged around the kill, "
          f"completed at the other server in {time.time() - began:.1f} s")
    require(made["sha256"] == upload.digest and made["storage_backend"] == "s3", "another digest or backend")
    return upload, made


def follow(node, key, base, made, expected):
    status, headers, _ = node.call(key, "GET", f"{base}/{made['id']}/download")
    require(status == 302, f"a download answers {status}")
    address = headers["location"]
    require("Signature" in address and SECRET not in address, "the address is signed")
    status, back = fetch(address)
    require(status == 200 and back == expected, f"other bytes came back: {status}, {len(back)}")
    status, _ = fetch(address[:-1] + ("0" if address[-1] != "0" else "1"))
    require(status == 403, f"a changed signature is answered {status}")


def same_bytes_once(nodes, key, base, upload, made):
    """The same bytes again, at both servers at once: objects are shared."""
    made_now = []

    def again(node):
        other = Upload([node], key, base, upload.content, 5)
        [thread.join() for thread in other.send_all(range(other.count), [node], 4)]
        made_now.append(node.must(key, "POST", f"{other.path}/complete", {}))

    threads = [threading.Thread(target=again, args=(node,)) for node in nodes]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    require(len(made_now) == len(nodes), "every completion is answered")
    uris = {artifact["storage_uri"] for artifact in [made, *made_now]}
    require(uris == {made["storage_uri"]}, f"the same bytes are kept once: {uris}")
    return made_now


def swept(store, wanted, seconds=200):
    deadline = time.time() + seconds
    while time.time() < deadline:
        names = store.names()
        if wanted(names):
            return names
        time.sleep(1)
    raise SystemExit(f"FAILED: the bucket still has {store.names()[:20]}")


def restored(binary, folder, store, node, cluster_url):
    """A backup comes back into another database and another bucket."""
    node.command("backup", str(folder / "backup"))
    other = Node(binary, folder / "restored", f"{folder}/restored.db" if not cluster_url else cluster_url, store, "res")
    said = other.command("restore", str(folder / "backup"))
    require("every digest and every invariant holds" in said, said)
    require(store.names("res"), "the other bucket has the objects")
    checked = other.command("check")
    require("every invariant holds" in checked, checked)
    print(f"backup and restore: {len(store.names('res'))} objects in another bucket, checked")


def run(options, folder):
    store = Store(os.path.abspath(options.s3), folder)
    cluster = Cluster(folder)
    nodes = []
    try:
        database = cluster.url
        first = Node(os.path.abspath(options.binary), folder / "first", database, store)
        second = Node(os.path.abspath(options.binary), folder / "second", database, store)
        nodes += [first, second]
        first.command("org", "create", "acme", "--name", "Acme")
        key = re.search(r"prb_\w+", first.command("key", "create", "--org", "acme", "--name", "s3", "--scope", "admin"))[0]
        first.start()
        shutil.copytree(first.folder / "keys", second.folder / "keys", dirs_exist_ok=True)
        second.start()
        require(second.must(key, "GET", "/readyz")["status"] == "ok", "ready")
        first.must(key, "POST", "/api/v1.0/organizations/acme/spaces", {"slug": "lab", "name": "Lab"})
        model = first.must(key, "POST", "/api/v1.0/catalog/spaces/lab/model-repository/models", {"name": "Model"})
        base = f"/api/v1.0/catalog/products/{model['id']}/model-artifacts"

        upload, made = switch_nodes(first, second, key, base, options.mib << 20, options.seed)
        follow(second, key, base, made, upload.content)
        first.start()
        follow(first, key, base, made, upload.content)
        shared = same_bytes_once(nodes, key, base, upload, made)
        lost = Upload([second], key, base, content(9, 2 * CHUNK), 9)
        lost.send([0], [second])
        second.must(key, "DELETE", lost.path)
        names = swept(store, lambda names: not [name for name in names if "/staging/" in f"/{name}"])
        require(len(names) == 1, f"one object is left: {names}")
        second.command("check")
        if shutil.which("psql"):
            subprocess.run(["psql", "-q", database, "-c", "CREATE DATABASE restored"], check=True)
            restored(os.path.abspath(options.binary), folder, store, second, database.rsplit("/", 1)[0] + "/restored")
        for artifact in [made, *shared]:
            first.must(key, "DELETE", f"{base}/{artifact['id']}")
        swept(store, lambda names: not names)
        print("everything was deleted and swept: the bucket is empty")
        print(second.command("check").splitlines()[-1])
    finally:
        [node.stop(signal.SIGKILL) for node in nodes]
        store.stop()
        cluster.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/debug/probity")
    parser.add_argument("--s3", default="target/debug/examples/s3_server", help="the object store for tests")
    parser.add_argument("--mib", type=int, default=83, help="size of the upload in MiB")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="probity-s3-"))
    try:
        run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
