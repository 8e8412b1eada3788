"""The page that checks itself, in a real browser: Chromium without a head or anything that calls home, and no way out.

Every name resolves to nothing and every connection goes to a proxy that counts it and answers nothing.
"""

import html
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

NAME = "chromium-headless-shell"


class Proxy:
    """Counts who connects."""

    def __init__(self):
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(5)
                try:
                    self.asked.append(caller.recv(200))
                except OSError:
                    self.asked.append(b"")

    def close(self):
        self.socket.close()


class Browser:
    def __init__(self, folder):
        self.folder, self.binary = folder, shutil.which(NAME)

    def run(self, page, *flags):
        """Opens a page; answers what the browser printed, and who asked the proxy for what."""
        path = os.path.join(self.folder, "in-browser.html")
        with open(path, "wb") as file:
            file.write(page)
        proxy = Proxy()
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as profile:
                done = subprocess.run(
                    [
                        self.binary, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                        f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
                        f"--proxy-server=127.0.0.1:{proxy.port}", "--proxy-bypass-list=<-loopback>",
                        "--virtual-time-budget=60000", *flags, f"file://{path}",
                    ],
                    capture_output=True, timeout=120,
                )
        finally:
            proxy.close()
        return done.stdout.decode(errors="replace"), proxy.asked

    def judge(self, page, keys=None, kept=None):
        """What the page says of itself: its class, the reason, and the requests that it made."""
        for name, data in [("keys", keys), ("kept", kept)]:
            if data:
                opening = re.search(rb'<textarea id="%s"[^>]*>' % name.encode(), page)
                page = page[: opening.end()] + html.escape(data.decode()).encode() + page[opening.end() :]
        dom, asked = self.run(page, "--dump-dom")
        result = re.search(r'<html[^>]* data-result="(\w*)"', dom)
        reason = re.search(r"<dt[^>]*>Reason</dt><dd[^>]*>(\w+)</dd>", dom)
        return result and result[1], reason and reason[1], asked

    def picture(self, page, path, size="1200,1600", *flags):
        self.run(page, f"--screenshot={path}", f"--window-size={size}", "--hide-scrollbars", *flags)
