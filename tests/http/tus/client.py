#!/usr/bin/env python3
"""A published tus client (`pip install tuspy`) uploads to the second door, is interrupted, and resumes.

Then the rules of the protocol that such a client never breaks: versions, offsets, checksums, termination, empty uploads.
With `--s3` there are two servers over one PostgreSQL and one object store: the first is killed in the middle of an upload,
and the client goes on at the second. Exit 0 when all holds.
"""

import argparse
import base64
import hashlib
import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "crash"))
import kill9  # noqa: E402
import s3  # noqa: E402
import uploads  # noqa: E402
from tusclient import client as tus  # noqa: E402


class Local:
    """One server over a folder; it is started again after a break."""

    def __init__(self, options, folder):
        self.server = uploads.Server(os.path.abspath(options.binary), folder / "data")
        self.client, self.base = uploads.prepare(self.server)

    def interrupt(self):
        self.server.kill()
        self.server.start()

    def check(self):
        self.server.kill(signal.SIGTERM)
        return self.server.command("check")

    def stop(self):
        if self.server.process and self.server.process.poll() is None:
            self.server.kill()


class Shared:
    """Two servers over one database and one object store; after a break it is the other one's turn."""

    def __init__(self, options, folder):
        self.store = s3.Store(os.path.abspath(options.s3), folder)
        self.cluster = kill9.Cluster(folder)
        binary, url = os.path.abspath(options.binary), self.cluster.url
        self.nodes = [s3.Node(binary, folder / name, url, self.store) for name in ("first", "second")]
        first, second = self.nodes
        first.command("org", "create", "acme", "--name", "Acme")
        key = first.command("key", "create", "--org", "acme", "--name", "tus", "--scope", "admin")
        first.start()
        shutil.copytree(first.folder / "keys", second.folder / "keys", dirs_exist_ok=True)
        second.start()
        self.client = uploads.Client(first.port, re.search(r"prb_\w+", key).group(0))
        self.client.must("POST", "/api/v1.0/organizations/acme/spaces", {"slug": "lab", "name": "Lab"})
        made = self.client.must("POST", "/api/v1.0/catalog/spaces/lab/model-repository/models", {"name": "Model"})
        self.base = f"/api/v1.0/catalog/products/{made['id']}/model-artifacts"

    def interrupt(self):
        first, second = self.nodes
        first.stop(signal.SIGKILL)
        self.client.port = second.port

    def check(self):
        return self.nodes[1].command("check")

    def stop(self):
        [node.stop(signal.SIGKILL) for node in self.nodes]
        self.store.stop()
        self.cluster.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/debug/probity")
    parser.add_argument("--s3", help="the object store for tests: upload to it, at two servers")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="probity-tus-"))
    place = None
    try:
        place = (Shared if options.s3 else Local)(options, folder)
        published(place, folder)
        protocol(place.client, place.base)
        checked = place.check()
        assert "every invariant holds" in checked, checked
    finally:
        if place:
            place.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("tus holds", "in an object store" if options.s3 else "on a disk")


def door(base):
    return f"/tus/{base.split('/')[-2]}"


def address(place):
    return f"http://127.0.0.1:{place.client.port}"


def published(place, folder):
    client, base = place.client, place.base
    content = random.Random(3).randbytes((11 << 20) + 77)
    file = folder / "model.onnx"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    uploader_of = lambda **more: tus.TusClient(
        address(place) + door(base), headers={"Authorization": f"Bearer {client.key}"}).uploader(str(file), **more)
    meta = {"filename": "model.onnx", "filetype": "application/octet-stream", "sha256": digest, "is_current": "true",
            "format": "onnx"}
    for chunk in (sys.maxsize, 700_001):
        uploader_of(chunk_size=chunk, metadata=meta).upload()
    first = uploader_of(chunk_size=1_500_000, metadata=meta)
    first.upload_chunk()
    before = address(place)
    place.interrupt()
    again = uploader_of(chunk_size=1_500_000, url=first.url.replace(before, address(place)), upload_checksum=True)
    assert again.offset == 1_500_000, again.offset
    again.upload_chunk()
    again.upload()
    made = client.must("GET", base)
    assert [one["sha256"] for one in made] == [digest] * 3, made
    assert len({one["storage_uri"] for one in made}) == 1, "the same bytes are kept once"
    assert [one["is_current"] for one in made] == [True, False, False]
    assert made[0]["metadata"] == {"format": "onnx"} and made[0]["file_name"] == "model.onnx"
    assert download(client, f"{base}/{made[0]['id']}/download") == content


def download(client, path):
    """The bytes, from whoever has them."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    connection.request("GET", path, headers={"Authorization": f"Bearer {client.key}"})
    response = connection.getresponse()
    status, back = response.status, response.read()
    if status == 302:
        status, back = s3.fetch(response.getheader("location"))
    assert status == 200, status
    return back


def protocol(client, base):
    version = {"Tus-Resumable": "1.0.0"}
    offset = {**version, "Content-Type": "application/offset+octet-stream"}

    def call(method, path, headers, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        connection.request(method, path, body, {"Authorization": f"Bearer {client.key}", **headers})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}

    def create(length):
        status, headers = call("POST", door(base), {**version, "Upload-Length": str(length)})
        assert status == 201 and "upload-expires" in headers, (status, headers)
        return headers["location"]

    status, headers = call("OPTIONS", door(base), {})
    assert status == 204 and headers["tus-version"] == "1.0.0" and "checksum" in headers["tus-extension"]
    status, headers = call("POST", door(base), {"Upload-Length": "1"})
    assert status == 412 and headers["tus-version"] == "1.0.0"
    assert call("POST", door(base), version)[0] == 400
    upload = create(10)
    for wrong, expected in ((
            {**offset, "Upload-Offset": "3"}, 409), ({**version, "Upload-Offset": "0"}, 415), (offset, 400)):
        assert call("PATCH", upload, wrong, b"12345")[0] == expected, wrong
    sha1 = lambda data: "sha1 " + base64.b64encode(hashlib.sha1(data).digest()).decode()
    start = {**offset, "Upload-Offset": "0"}
    assert call("PATCH", upload, {**start, "Upload-Checksum": sha1(b"other")}, b"12345")[0] == 460
    assert call("PATCH", upload, {**start, "Upload-Checksum": "crc32 AAAA"}, b"12345")[0] == 400
    assert call("PATCH", upload, start, b"12345678901")[0] == 413
    status, headers = call("HEAD", upload, version)
    assert (status, headers["upload-offset"], headers["upload-length"]) == (200, "0", "10"), headers
    assert headers["cache-control"] == "no-store"
    status, headers = call("PATCH", upload, {**start, "Upload-Checksum": sha1(b"12345")}, b"12345")
    assert (status, headers["upload-offset"]) == (204, "5")
    status, headers = call("PATCH", upload, {**offset, "Upload-Offset": "5"}, b"67890")
    assert (status, headers["upload-offset"]) == (204, "10")
    assert call("HEAD", upload, version)[1]["upload-offset"] == "10"
    before = len(client.must("GET", base))
    create(0)
    assert len(client.must("GET", base)) == before + 1, "an empty upload is whole at once"
    doomed = create(10)
    assert call("DELETE", doomed, version)[0] == 204
    for method in ("HEAD", "DELETE"):
        assert call(method, doomed, version)[0] == 404
    session = uploads.initiate(client, base, 10)
    assert call("HEAD", f"{door(base)}/{session['id']}", version)[0] == 404, "an upload of the other door"
    assert call("HEAD", upload, {**version, "Authorization": "Bearer x"})[0] == 401


if __name__ == "__main__":
    main()
