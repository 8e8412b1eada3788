#!/usr/bin/env python3
"""A published tus client (`pip install tuspy`) uploads to the second door, is interrupted, and resumes.

Then the rules of the protocol that such a client never breaks: versions, offsets, checksums, termination, empty uploads.
Exit 0 when all holds.
"""

import argparse
import base64
import hashlib
import os
import pathlib
import random
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "crash"))
import uploads  # noqa: E402
from tusclient import client as tus  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/debug/probity")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="probity-tus-"))
    server = uploads.Server(os.path.abspath(options.binary), folder / "data")
    try:
        client, base = uploads.prepare(server)
        published(server, client, base, folder)
        protocol(server, client, base)
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    print("tus holds")


def door(base):
    return f"/tus/{base.split('/')[-2]}"


def published(server, client, base, folder):
    content = random.Random(3).randbytes((5 << 20) + 77)
    file = folder / "model.onnx"
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    address = f"http://127.0.0.1:{server.port}{door(base)}"
    uploader_of = lambda **more: tus.TusClient(
        address, headers={"Authorization": f"Bearer {client.key}"}).uploader(str(file), **more)
    meta = {"filename": "model.onnx", "filetype": "application/octet-stream", "sha256": digest, "is_current": "true",
            "format": "onnx"}
    for chunk in (sys.maxsize, 700_001):
        uploader_of(chunk_size=chunk, metadata=meta).upload()
    first = uploader_of(chunk_size=1_500_000, metadata=meta)
    first.upload_chunk()
    server.kill()
    server.start()
    again = uploader_of(chunk_size=1_500_000, url=first.url, upload_checksum=True)
    assert again.offset == 1_500_000, again.offset
    again.upload_chunk()
    again.upload()
    made = client.must("GET", base)
    assert [one["sha256"] for one in made] == [digest] * 3, made
    assert [one["is_current"] for one in made] == [True, False, False]
    assert made[0]["metadata"] == {"format": "onnx"} and made[0]["file_name"] == "model.onnx"
    status, back = client.call("GET", f"{base}/{made[0]['id']}/download")
    assert status == 200 and back == content


def protocol(server, client, base):
    version = {"Tus-Resumable": "1.0.0"}
    offset = {**version, "Content-Type": "application/offset+octet-stream"}

    def call(method, path, headers, body=None):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
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
