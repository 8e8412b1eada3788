#!/usr/bin/env python3
"""Lets the disk under artifacts fail at each call of the write path, and compares what became of the uploads.

A full disk (ENOSPC) is 507, a failing one (EIO) 503. After a refusal the session has exactly the chunks that were
answered with success, no artifact is to be seen, reading and the rest of the server work, and the upload goes on when the
disk does: the artifact has the right digest and gives the bytes that were sent.

Full disks are small file systems in memory, which only root can mount; failing calls are injected with `strace`. Where one
of them cannot be had, its part is skipped and says why. Standard library only. Exit 0 when all holds.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from uploads import Client, Server, prepare

MIB = 1 << 20
OCTETS = {"Content-Type": "application/octet-stream"}


def require(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


class Upload:
    def __init__(self, client, base, content):
        self.client, self.base, self.content, self.acknowledged = client, base, content, set()
        self.digest = hashlib.sha256(content).hexdigest()
        self.path = None

    def initiate(self):
        """Answers the status; the session is there when it is 201."""
        body = {"file_name": "a.bin", "content_type": "application/octet-stream", "total_size_bytes": len(self.content),
                "sha256": self.digest}
        status, text = self.client.call("POST", f"{self.base}/uploads", body)
        if status == 201:
            session = json.loads(text)
            self.path, self.size = f"{self.base}/uploads/{session['id']}", session["chunk_size_bytes"]
            self.count, self.id = -(-len(self.content) // self.size), session["id"]
        return status, problem(text)

    def part(self, index):
        return self.content[index * self.size:(index + 1) * self.size]

    def put(self, index, part=None):
        body = self.part(index) if part is None else part
        status, text = self.client.call("PUT", f"{self.path}/chunks/{index}", body, OCTETS)
        if status == 200 and part is None:
            self.acknowledged.add(index)
        return status, problem(text)

    def complete(self):
        status, text = self.client.call("POST", f"{self.path}/complete", {})
        return status, json.loads(text) if status == 200 else problem(text)

    def is_intact(self):
        session = self.client.must("GET", self.path)
        there = set(session["received_chunks"])
        require(there == self.acknowledged, f"the session has {sorted(there)}, answered were {sorted(self.acknowledged)}")
        listed = self.client.must("GET", self.base)
        require(all(one["sha256"] != self.digest for one in listed), "no artifact is half visible")

    def finish(self):
        for index in range(self.count):
            if index not in self.acknowledged:
                status, code = self.put(index)
                require(status == 200, f"chunk {index} afterwards: {status} {code}")
        status, made = self.complete()
        require(status == 200 and made["sha256"] == self.digest, f"completion afterwards: {status} {made}")
        status, back = self.client.call("GET", f"{self.base}/{made['id']}/download")
        require(status == 200 and back == self.content, f"other bytes came back: {status}")


def problem(text):
    try:
        return json.loads(text).get("code")
    except (ValueError, AttributeError):
        return None


def content(seed, size):
    return random.Random(seed).randbytes(size)


# A full disk.

class SmallDisk:
    """A file system in memory, as the folder of artifacts."""

    def __init__(self, folder, options):
        self.folder = folder
        folder.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True)
        self.trouble = done.stderr.strip() or "mount failed" if done.returncode else None

    def resize(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)

    def close(self):
        if not self.trouble:
            subprocess.run(["umount", str(self.folder)], check=True)


def full(binary, folder):
    """No room for chunks, then none for the name of the artifact."""
    store = folder / "data" / "artifacts"
    disk = SmallDisk(store, "size=12m")
    if disk.trouble:
        print(f"skipped the full disk: {disk.trouble}")
        return
    server = Server(binary, folder / "data")
    try:
        client, base = prepare(server)
        upload = Upload(client, base, content(1, 20 * MIB + 77))
        require(upload.initiate()[0] == 201, "initiation")
        refused = []
        for index in range(upload.count):
            status, code = upload.put(index)
            if status != 200:
                refused.append((status, code))
        require(refused and set(refused) == {(507, "insufficient_storage")}, f"a full disk answers {set(refused)}")
        require(upload.acknowledged, "what fits is taken")
        upload.is_intact()
        status, _ = client.call("GET", "/readyz")
        require(status == 507, f"/readyz of a full disk answers {status}")
        client.must("GET", "/api/v1/audit/entries")
        another = Upload(client, base, content(2, MIB))
        require(another.initiate()[0] in (201, 507), "another upload is opened or refused")
        disk.resize("size=64m")
        upload.finish()
        require(client.call("GET", "/readyz")[0] == 200, "/readyz is well again")
        names_run_out(client, base, disk, store)
        server.kill(signal.SIGTERM)
        print("full disk:", server.command("check").splitlines()[-1])
    finally:
        stop(server)
        disk.close()


def names_run_out(client, base, disk, store):
    """Completion needs a folder for the artifact: without one it can be done again."""
    upload = Upload(client, base, content(3, 3 * MIB))
    require(upload.initiate()[0] == 201, "initiation")
    for index in range(upload.count):
        upload.put(index)
    status, code = upload.put(1, bytes(MIB))
    require(status == 200, f"a chunk is replaced: {status} {code}")
    upload.acknowledged.discard(1)
    require(upload.put(1)[0] == 200, "and again")
    used = os.statvfs(store)
    disk.resize(f"nr_inodes={used.f_files - used.f_ffree}")
    status, code = upload.complete()
    require((status, code) == (507, "insufficient_storage"), f"completion without a name answers {status} {code}")
    upload.is_intact()
    disk.resize("nr_inodes=10000")
    status, made = upload.complete()
    require(status == 200 and made["sha256"] == upload.digest, f"completion afterwards: {status}")


# A failing disk.

class Injected:
    """Calls of the server fail while this is open."""

    def __init__(self, pid, call, when, error, path=None):
        line = ["strace", "-f", "-qq", "-p", str(pid), "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}"]
        self.log = tempfile.NamedTemporaryFile()
        line += ["-o", self.log.name] + (["-P", str(path)] if path else [])
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = pid

    def __enter__(self):
        deadline = time.time() + 30
        while time.time() < deadline:
            tasks = list(pathlib.Path(f"/proc/{self.pid}/task").iterdir())
            traced = [task for task in tasks if "TracerPid:\t0\n" not in (task / "status").read_text()]
            if len(traced) == len(tasks):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit("strace does not attach")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def hits(self):
        return pathlib.Path(self.log.name).read_text().count("(INJECTED)")


def may_trace():
    if not shutil.which("strace"):
        return "strace is not installed"
    child = subprocess.Popen(["sleep", "5"])
    done = subprocess.run(["timeout", "1", "strace", "-p", str(child.pid)], capture_output=True, text=True)
    child.kill()
    child.wait()
    return None if "attach: " not in done.stderr else done.stderr.strip().splitlines()[-1]


WHAT = {"EIO": (503, "storage_unavailable"), "EROFS": (503, "storage_unavailable"), "ENOSPC": (507, "insufficient_storage"),
        "EDQUOT": (507, "insufficient_storage")}


def fault(server, act, call, error, expected, path=None, when="1+"):
    """The act fails as expected while the call does; tells how often it was hit."""
    with Injected(server.process.pid, call, when, error, path) as injected:
        answered = act()
    hits = injected.hits()
    require(hits, f"{call} was not called")
    require(answered == expected, f"{call} failing with {error}: {answered}")
    return hits


def failing(binary, folder, errors):
    """Every call between a request and its answer fails once in each way."""
    trouble = may_trace()
    if trouble:
        print(f"skipped the failing disk: {trouble}")
        return
    server = Server(binary, folder / "data")
    checked = 0
    try:
        client, base = prepare(server)
        for error in errors:
            for call in ("mkdir", "fsync"):
                upload = Upload(client, base, content(f"{call} {error}", 3 * MIB + 5))
                checked += fault(server, upload.initiate, call, error, WHAT[error])
                require(upload.initiate()[0] == 201, "initiation afterwards")
                upload.finish()
            checked += chunks_fail(server, client, base, error)
            checked += completion_fails(server, client, base, error)
        require(client.call("GET", "/readyz")[0] == 200, "/readyz is well again")
        server.kill(signal.SIGTERM)
        print(f"failing disk: {checked} calls failed with {', '.join(errors)};", server.command("check").splitlines()[-1])
    finally:
        stop(server)


def place_of(server, upload):
    (place,) = (server.folder / "artifacts" / "staging").glob(f"*/{upload.id}")
    return place


def chunks_fail(server, client, base, error):
    upload, checked = Upload(client, base, content(f"chunks {error}", 4 * MIB + 9)), 0
    require(upload.initiate()[0] == 201, "initiation")
    require(upload.put(0)[0] == 200, "a chunk")
    place = place_of(server, upload)
    # `strace` counts the calls of each thread: the first ones may be in the middle of a chunk.
    for call, when in (("pwritev", "1"), ("pwritev", "1+"), ("fdatasync", "1+")):
        checked += fault(server, lambda: upload.put(2), call, error, WHAT[error], place / "base", when)
        upload.is_intact()
    # One that replaces has a file of its own, whose name has to last before it counts.
    checked += fault(server, lambda: upload.put(0, bytes(MIB)), "fsync", error, WHAT[error], place)
    upload.is_intact()
    parts = [path.name for path in place.iterdir() if path.name != "base"]
    require(not parts, f"a part that was refused stays: {parts}")
    upload.finish()
    return checked


def completion_fails(server, client, base, error):
    upload, checked = Upload(client, base, content(f"completion {error}", 2 * MIB + 3)), 0
    require(upload.initiate()[0] == 201, "initiation")
    for index in range(upload.count):
        require(upload.put(index)[0] == 200, "a chunk")
    require(upload.put(1, bytes(MIB))[0] == 200 and upload.put(1)[0] == 200, "a chunk is replaced twice")
    for call, when in (("pwrite64", "1+"), ("fsync", "1"), ("mkdir", "1+"), ("rename", "1+")):
        path = place_of(server, upload) / "base" if call == "pwrite64" else None
        checked += fault(server, upload.complete, call, error, WHAT[error], path, when)
        upload.is_intact()
    # The name is there but may not last: it is not told, and done again it is.
    target = next(iter((server.folder / "artifacts" / "blobs").iterdir())) / upload.digest[:2]
    checked += fault(server, upload.complete, "fsync", error, WHAT[error], target)
    upload.is_intact()
    upload.finish()
    return checked


def stop(server):
    if server.process and server.process.poll() is None:
        server.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/debug/probity")
    parser.add_argument("--errors", default="EIO,EROFS,ENOSPC,EDQUOT", help="the errors that calls are to fail with")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="probity-disk-"))
    try:
        full(binary, folder / "full")
        failing(binary, folder / "failing", options.errors.split(","))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
