"""Takes deliveries of a server and verifies them with the published Python library; keeps them for the other languages.

    verify.py BINARY CAPTURED
"""

import base64
import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

captured = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        captured.append({"headers": {name: self.headers[name] for name in names}, "body": body})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(port, key, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    text = response.read()
    assert response.status < 300, (method, path, response.status, text)
    return json.loads(text) if text else None


def wait_for(count):
    for _ in range(1200):
        if len(captured) >= count:
            return
        time.sleep(0.05)
    raise SystemExit(f"only {len(captured)} of {count} deliveries arrived")


def refuses(check):
    try:
        check()
    except WebhookVerificationError:
        return
    raise SystemExit("a forged delivery was taken")


def main(binary, kept):
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    folder, port = tempfile.mkdtemp(), free_port()
    key_file = pathlib.Path(folder, "webhooks.key")
    key_file.write_text(base64.b64encode(os.urandom(32)).decode())
    settings = ["--data-dir", f"{folder}/data"]
    run = lambda *rest: subprocess.run([binary, *rest, *settings], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    run("org", "create", "acme")
    key = run("key", "create", "--org", "acme", "--name", "test", "--scope", "admin")
    serve = [binary, "serve", *settings, "--listen", f"127.0.0.1:{port}", "--log-level", "warn"]
    serve += ["--webhook-key-file", str(key_file), "--webhook-private-hosts", "127.0.0.1"]
    server = subprocess.Popen(serve, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                call(port, key, "GET", "/readyz")
                break
            except OSError:
                time.sleep(0.05)
        hooks = "/api/v1/governance-events/webhooks"
        target = f"http://127.0.0.1:{receiver.server_port}/hook"
        made = call(port, key, "POST", hooks, {"target_url": target, "event_types": ["space.created"], "sign_ed25519": True})
        rotated = call(port, key, "POST", f"{hooks}/{made['id']}/rotate-secret", {})
        call(port, key, "POST", "/api/v1.0/organizations/acme/spaces", {"slug": "space", "name": "Grüße \U0001f642"})
        wait_for(2)
        shown = call(port, key, "GET", f"{hooks}/{made['id']}")
    finally:
        server.terminate()
        server.wait(60)
    ping, event = sorted(captured, key=lambda one: "webhook.ping" not in one["body"])
    old, new = Webhook(made["secret"]), Webhook(rotated["secret"])
    for secret in (old, new):
        told = secret.verify(event["body"], event["headers"])
        assert told["type"] == "space.created" and told["data"]["id"] == event["headers"]["webhook-id"], told
    assert Webhook(made["secret"]).verify(ping["body"], ping["headers"])["type"] == "webhook.ping"
    refuses(lambda: old.verify(event["body"] + " ", event["headers"]))
    refuses(lambda: old.verify(event["body"], {**event["headers"], "webhook-id": "evt_other"}))
    refuses(lambda: old.verify(event["body"], {**event["headers"], "webhook-timestamp": "1"}))
    refuses(lambda: Webhook("whsec_" + "A" * 32).verify(event["body"], event["headers"]))
    kept = pathlib.Path(kept)
    kept.write_text(json.dumps({"secrets": [made["secret"], rotated["secret"]], "public_keys": shown["public_keys"], **event}))
    print("Python: two secrets verify, four forgeries are refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
