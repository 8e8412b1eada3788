"""A time-stamp authority (RFC 3161) behind HTTP, made of OpenSSL's commands."""

import http.server
import os
import subprocess
import threading

CONFIGURATION = """[req]
distinguished_name = none
[none]
[authority]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, timeStamping
[ca]
basicConstraints = critical, CA:TRUE
[tsa]
default_tsa = answers
[answers]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
signer_digest = sha256
"""


class Authority:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        with open(os.path.join(folder, "conf"), "w") as file:
            file.write(CONFIGURATION)
        with open(os.path.join(folder, "serial"), "w") as file:
            file.write("01\n")
        request = "req -config conf -newkey rsa:2048 -nodes"
        self.openssl(f"{request} -x509 -keyout ca.key -out ca.pem -subj /CN=Root -days 2 -extensions ca")
        self.openssl(f"{request} -keyout tsa.key -out tsa.csr -subj /CN=Clock")
        self.openssl("x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile conf "
                     "-extensions authority -out tsa.pem")
        self.certificates = os.path.join(folder, "ca.pem")
        authority = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = authority.answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def openssl(self, line):
        subprocess.run(["openssl", *line.split()], cwd=self.folder, check=True, capture_output=True)

    def answer(self, query):
        with open(os.path.join(self.folder, "query"), "wb") as file:
            file.write(query)
        self.openssl("ts -reply -config conf -queryfile query -signer tsa.pem -inkey tsa.key -out reply")
        with open(os.path.join(self.folder, "reply"), "rb") as file:
            return file.read()
