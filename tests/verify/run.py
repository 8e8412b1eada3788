#!/usr/bin/env python3
"""The record of a running server against two verifiers that share no code, and thieves.

    run.py BINARY [--database-url URL]

Starts the server on a database of its own, makes a history, exports it, and checks that `probity verify` and verify.py agree on
every bundle: the honest ones, and those that a thief with the database, or with the database and the key, hands out. Every
single-bit change of a bundle has to be refused by the first; a sample of them by the second, whose signatures take long.
Prints a line for each case. Exit 0 when all agree.
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
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from authority import Authority
from browser import Browser

HERE = os.path.dirname(os.path.abspath(__file__))


class Server:
    def __init__(self, binary, data, url=None):
        self.binary, self.data = binary, data
        self.env = {"PATH": os.environ["PATH"], "PROBITY_DATA_DIR": data}
        if url:
            self.env["DATABASE_URL"] = url
        self.process = self.base = None

    def run(self, *arguments, check=True):
        done = subprocess.run([self.binary, *arguments], env=self.env, capture_output=True, text=True)
        if check and done.returncode:
            raise SystemExit(f"{arguments}: {done.stderr}")
        return done.stdout.strip() if check else done

    def start(self):
        log = os.path.join(self.data, "log")
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--listen", "127.0.0.1:0"], env=self.env, stdout=out, stderr=out
            )
        for _ in range(600):
            found = re.search(r"127\.0\.0\.1:(\d+)", open(log).read())
            if found and "serving" in open(log).read():
                self.base = f"http://127.0.0.1:{found[1]}"
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit("the server does not start: " + open(log).read())

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def call(self, path, body=None):
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {self.key}"})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return answer.read()


class Judges:
    """Both verifiers. They have to agree, and to say what is expected."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.cases = binary, folder, 0
        self.browser = Browser(folder)

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def rust(self, path, *more):
        done = subprocess.run([self.binary, "verify", path, "--json", *more], capture_output=True, text=True)
        told = json.loads(done.stdout)
        return done.returncode, told.get("reason"), told.get("limits", {})

    def python(self, path, *more):
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "verify.py"), path, *more], capture_output=True, text=True
        )
        first, *rest = done.stdout.splitlines()
        failed = re.match(r"FAILED  (\w+):", first)
        limits = filter(None, (re.fullmatch(r"  (\w+) (\d+)", line) for line in rest))
        return done.returncode, failed and failed[1], {limit[1]: int(limit[2]) for limit in limits}

    def page(self, case, page, code, reason=None, keys=None, kept=None):
        """The page that checks itself, by its own script in Node and in a browser, where they are installed."""
        self.in_browser(case, page, code, reason, keys, kept)
        if not shutil.which("node"):
            print(f"skipped   {case}: there is no node")
            return
        paths = [self.write("page.html", page)]
        paths += [self.write(f"page-{name}", data) if data else "-" for name, data in [("keys", keys), ("kept", kept)]]
        done = subprocess.run(["node", os.path.join(HERE, "page.mjs"), *paths], capture_output=True, text=True)
        failed = re.match(r"FAILED  (\w+):", done.stdout)
        good = done.returncode == code and (reason is None or failed and failed[1] == reason)
        self.cases += 1
        print(f"{'agree' if good else 'DISAGREE':<9} {case}: {done.returncode} {failed[1] if failed else ''}")
        if not good:
            raise SystemExit(f"{case}: {done.stdout} {done.stderr}")

    def in_browser(self, case, page, code, reason, keys, kept):
        if not self.browser.binary:
            print(f"skipped   {case}, in a browser: there is no chromium-headless-shell")
            return
        result, told, asked = self.browser.judge(page, keys, kept)
        good = result == {0: "good", 1: "bad", 3: "limited"}[code] and reason in (None, told) and not asked
        self.cases += 1
        print(f"{'agree' if good else 'DISAGREE':<9} {case}, in a browser: {result} {told or ''}")
        if not good:
            raise SystemExit(f"{case}: expected {code} {reason}, the page says {result} {told} and asked for {asked}")

    def expect(self, case, bundle, code, reason=None, keys=None, since=None, anchors=None):
        path, more = self.write("bundle", bundle), []
        if keys is not None:
            more += ["--keys", self.write("keys", keys)]
        if since is not None:
            more += ["--since", self.write("since", since)]
        if anchors is not None:
            more += ["--anchors", self.write("anchors", anchors)]
        first, second = self.rust(path, *more), self.python(path, *more)
        self.cases += 1
        good = first == second and first[0] == code and (reason is None or first[1] == reason)
        word = "agree" if good else "DISAGREE"
        print(f"{word:<9} {case}: {first[0]} {first[1] or ''} {first[2] or ''}")
        if not good:
            raise SystemExit(f"{case}: expected {code} {reason}, probity verify says {first}, verify.py {second}")


def history(server, count):
    for number in range(count):
        body = {"model_id": f"model-{number}-{random.random()}", "provider": "openai", "risk_tier": "tier_2"}
        server.call("/api/admin/models", body)


def honest(server, judges, keys, kept):
    size = int(server.call("/api/v1/audit/checkpoint").split(b"\n")[1])
    whole = server.call("/api/v1/audit/export")
    judges.expect("the whole record", whole, 3, keys=keys, since=kept)
    judges.expect("with the keys of the bundle", whole, 3)
    for start, end in [(0, 0), (0, 1), (1, 2), (2, size - 1), (size - 1, size), (size, size)]:
        part = server.call(f"/api/v1/audit/export?from={start}&to={end}&since=1")
        judges.expect(f"entries from {start} to below {end}", part, 3, keys=keys)
    entry = json.loads(server.call("/api/v1/audit/entries/4"))["recorded_at"]
    span = server.call(f"/api/v1/audit/export?from={entry}&to=2199-01-01T00:00:00Z&since={size}")
    judges.expect("a span of time", span, 3, keys=keys)
    return whole


def anchors(server, judges, folder, keys):
    """Checkpoints that were put where the operator cannot take them back, in one file that is only appended to."""
    path = os.path.join(folder, "kept-outside")
    server.stop()
    server.env["PROBITY_ANCHOR_FILE"] = path
    server.start()
    sizes = []
    for _ in range(4):
        history(server, 2)
        sizes.append(int(server.call("/api/v1/audit/checkpoint").split(b"\n")[1]))
    bundle, last = server.call("/api/v1/audit/export"), sizes[-1]
    with open(path, "rb") as file:
        kept = file.read()
    paragraphs = [paragraph.strip(b"\n") for paragraph in kept.split(b"\n\n") if paragraph.strip()]
    notes = [text + b"\n\n" + signatures + b"\n" for text, signatures in zip(paragraphs[::2], paragraphs[1::2])]
    of = {int(note.split(b"\n")[1]): note for note in notes}
    joined = lambda *some: b"".join(of[size] + b"\n" for size in some)
    judges.expect("anchored", bundle, 3, keys=keys, anchors=kept)
    judges.expect("anchored, with the keys of the bundle", bundle, 3, anchors=kept)
    judges.expect("anchored within the run", bundle, 3, keys=keys, anchors=joined(sizes[0], sizes[1]))
    judges.expect("an empty file of anchors", bundle, 3, keys=keys, anchors=b"")
    cut = of[sizes[0]][:-40]
    judges.expect("a note that a crash cut", bundle, 3, keys=keys, anchors=cut + b"\n\n" + joined(last))
    other = re.sub(rb"\n[^\n]{43}=\n", b"\n" + base64.b64encode(bytes(32)) + b"\n", of[sizes[1]], count=1)
    judges.expect("an anchor that nobody signed", bundle, 3, keys=keys, anchors=other + b"\n" + joined(last))
    judges.expect("an anchor of another history", bundle, 1, "rewritten", anchors=other + b"\n")
    judges.expect("two roots of one size", bundle, 1, "rewritten", anchors=other + b"\n" + joined(sizes[1], last))
    part = server.call(f"/api/v1/audit/export?from={sizes[0] + 1}&to={sizes[1]}")
    judges.expect("anchors outside the run", part, 3, keys=keys, anchors=joined(sizes[0], sizes[2]))
    history(server, 2)
    server.call("/api/v1/audit/checkpoint")
    with open(path, "rb") as file:
        grown = file.read()
    judges.expect("older than the anchors, which have its own", bundle, 3, keys=keys, anchors=grown)
    without = grown.replace(of[last], b"")
    judges.expect("the end cut off since it was anchored", bundle, 1, "shrunk", keys=keys, anchors=without)
    server.stop()
    del server.env["PROBITY_ANCHOR_FILE"]
    server.start()


def thieves_without_the_key(judges, whole, keys):
    lines = whole.splitlines(keepends=True)
    first = next(place for place, line in enumerate(lines) if line.startswith(b'{"action"'))
    judges.expect("edited header", whole.replace(b"registered_model", b"registered_modex", 1), 1, keys=keys)
    slot = re.sub(rb'"risk_tier":', b'"risk_tiex":', whole, count=1)
    if slot != whole:
        judges.expect("edited slot", slot, 1, "commitment", keys=keys)
    swapped = lines[:first] + [lines[first + 1], lines[first]] + lines[first + 2 :]
    judges.expect("entries reordered", b"".join(swapped), 1, "order", keys=keys)
    judges.expect("an entry left out", b"".join(lines[:first] + lines[first + 1 :]), 1, "order", keys=keys)
    judges.expect("the last entry left out", b"".join(lines[:-2] + lines[-1:]), 1, "order", keys=keys)
    judges.expect("the file cut", b"".join(lines[:-1]), 1, "incomplete", keys=keys)
    judges.expect("something behind the seal", whole + b"\n", 1, "incomplete", keys=keys)
    erased = lines[first].split(b"\t")
    quiet = b"\t".join([*erased[:2], b"erased\n"])
    judges.expect("erased without a leaf", b"".join(lines[:first] + [quiet] + lines[first + 1 :]), 1,
                  "unexplained_absence", keys=keys)
    judges.expect("another file", b"hello\n", 2)


def pages(server, judges, keys, kept):
    page = server.call("/api/v1/audit/export?format=html")
    judges.page("the page that checks itself", page, 3, keys=keys, kept=kept)
    judges.page("the page with its own keys", page, 3)
    judges.page("the page, edited", page.replace(b"registered_model", b"registered_modex", 1), 1, keys=keys)
    judges.page("the page with a slot edited", page.replace(b"openai", b"openbi", 1), 1, "commitment", keys=keys)
    entries = [line for line in page.split(b"\n") if line.startswith(b'{"action"')]
    without = page.replace(entries[2] + b"\n", b"", 1)
    judges.page("the page with an entry left out", without, 1, "order", keys=keys)
    judges.page("the page, cut", page.replace(b"\nseal\t", b"\nsealed\t", 1), 1, keys=keys)
    judges.page("the page, to who has another key", page, 1, "signature", keys=another_key(keys))
    no_network(judges, page)


def another_key(keys):
    """A key of the same name that signed nothing here: the base point of the curve."""
    name, data = keys.decode().split("+")[0], b"\x01" + bytes([0x58]) + bytes([0x66]) * 31
    key_id = hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(data).decode()}".encode()


def no_network(judges, page):
    """The page cannot ask anybody for anything, even with an image smuggled in; without its policy the browser would."""
    if not judges.browser.binary:
        return
    probe = b'<img src="http://probe.example/x"><img src="http://127.0.0.1:9/y">'
    smuggled = page.replace(b"<main>", b"<main>" + probe, 1)
    open_page = re.sub(rb"<meta http-equiv=[^>]*>", b"", smuggled, count=1)
    for case, page, quiet in [("an image smuggled in", smuggled, True), ("the same without the policy", open_page, False)]:
        asked = judges.browser.judge(page)[2]
        good = quiet == (not asked)
        print(f"{'agree' if good else 'DISAGREE':<9} {case}: {len(asked)} requests")
        judges.cases += 1
        if not good:
            raise SystemExit(f"{case}: {asked}")


def every_bit(judges, bundle, keys):
    """All bits against the first verifier; one in many against the second."""
    import verify as second

    known = [second.a_key(line) for line in keys.decode().split()]
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chosen = random.Random(seed).sample(range(len(bundle) * 8), 400)
    keys_path, accepted = judges.write("keys", keys), 0
    for bit in chosen:
        changed = bytearray(bundle)
        changed[bit // 8] ^= 1 << bit % 8
        path = judges.write("changed", bytes(changed))
        code = judges.rust(path, "--keys", keys_path)[0]
        try:
            second.verify(iter(bytes(changed).splitlines(keepends=True)), known)
            mine = True
        except (second.Refused, second.Unreadable):
            mine = False
        accepted += code in (0, 3) or mine
    print(f"{len(chosen)} single-bit changes of {len(bundle)} bytes, {accepted} accepted")
    if accepted:
        raise SystemExit("a changed bundle was accepted")


def stamps(server, judges, folder, keys):
    """Time stamps travel in bundles: every verifier checks that the log continues them, and one the tokens as well."""
    authority = Authority(os.path.join(folder, "authority"))
    server.stop()
    server.env |= {"PROBITY_TIMESTAMP_URL": authority.url, "PROBITY_TIMESTAMP_CERT_FILE": authority.certificates,
                   "PROBITY_TIMESTAMP_INTERVAL": "0", "PROBITY_CHECKPOINT_INTERVAL": "1"}
    server.start()
    history(server, 2)
    for _ in range(100):
        bundle = server.call("/api/v1/audit/export")
        if b'"timestamps":' in bundle:
            break
        time.sleep(0.1)
    judges.expect("with a time stamp", bundle, 3, keys=keys)
    judges.page("the page with a time stamp", server.call("/api/v1/audit/export?format=html"), 3, keys=keys)
    lines = bundle.split(b"\n")
    manifest = json.loads(lines[1])
    stamp = manifest["timestamps"][0]
    stamp["checkpoint"] = re.sub(r"\n\S{43}=\n", "\n" + base64.b64encode(bytes(32)).decode() + "\n", stamp["checkpoint"], count=1)
    lines[1] = json.dumps(manifest, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    judges.expect("with a time stamp of another log", b"\n".join(lines), 1, "timestamp", keys=keys)
    path, keys_path = judges.write("stamped", bundle), judges.write("keys", keys)
    foreign = os.path.join(HERE, "..", "..", "crates", "timestamp", "tests", "vectors", "root.pem")
    for case, certificates, expected in [
        ("the token, to who trusts the authority", authority.certificates, (3, None)),
        ("the token, to who trusts another", foreign, (1, "timestamp")),
    ]:
        told = judges.rust(path, "--keys", keys_path, "--tsa-cert", certificates)
        good = told[:2] == expected and "unstamped" not in told[2]
        print(f"{'agree' if good else 'DISAGREE':<9} {case}: {told}")
        judges.cases += 1
        if not good:
            raise SystemExit(f"{case}: expected {expected}, got {told}")
    for name in list(server.env):
        if name.startswith(("PROBITY_TIMESTAMP", "PROBITY_CHECKPOINT")):
            del server.env[name]
    server.stop()
    server.start()


def witness(server, judges, folder, keys):
    """Somebody else who remembers: with its signature nothing limits the proof any more, and it signs one history only."""
    data = os.path.join(folder, "witness")
    log = keys.decode().split()[0]
    command = [server.binary, "witness", "--name", "witness.example/w", "--log", log]
    env = {"PATH": os.environ["PATH"], "PROBITY_DATA_DIR": data}
    vkey = subprocess.run([*command, "--print-key"], env=env, capture_output=True, text=True, check=True).stdout.strip()
    process = subprocess.Popen([*command, "--listen", "127.0.0.1:0"], env=env, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        server.stop()
        server.env["PROBITY_WITNESSES"] = f"{vkey}=http://{address}"
        server.start()
        history(server, 2)
        both = keys + b"\n" + vkey.encode()
        bundle = server.call("/api/v1/audit/export")
        judges.expect("witnessed", bundle, 0, keys=both)
        judges.expect("witnessed, without the key of the witness", bundle, 3, keys=keys)
        judges.page("the page, witnessed", server.call("/api/v1/audit/export?format=html"), 0, keys=both)
        history(server, 3)
        judges.expect("witnessed again", server.call("/api/v1/audit/export"), 0, keys=both)
        note = server.call("/api/v1/audit/checkpoint").decode()

        def ask(body):
            request = urllib.request.Request(f"http://{address}/add-checkpoint", data=body.encode())
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            try:
                with opener.open(request) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        size = int(note.split("\n")[1])
        other = note.replace("/audit/1\n", "/audit/7\n", 1)
        changed = note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1)
        for case, body, status in [
            ("what it knows already", f"old {size}\n\n{note}", 200),
            ("another size than it knows", f"old {size - 1}\n\n{note}", 409),
            ("another log", f"old 0\n\n{other}", 404),
            ("not signed by the log", f"old {size}\n\n{changed}", 403),
            ("an old size above the new one", f"old {size + 1}\n\n{note}", 400),
            ("no request at all", "hello", 400),
            ("a proof too many", f"old {size}\n{base64.b64encode(bytes(32)).decode()}\n\n{note}", 422),
        ]:
            answered = ask(body)
            good = answered[0] == status and (status != 409 or answered[1] == f"{size}\n".encode())
            print(f"{'agree' if good else 'DISAGREE':<9} witness, {case}: {answered[0]}")
            judges.cases += 1
            if not good:
                raise SystemExit(f"witness, {case}: expected {status}, got {answered}")
    finally:
        process.kill()
        process.wait()
    # Without the witness the server goes on, and says so.
    history(server, 1)
    judges.expect("the witness is gone", server.call("/api/v1/audit/export"), 3, keys=both)
    del server.env["PROBITY_WITNESSES"]


def thief_with_the_database(server, judges, keys, kept):
    """Changes the stopped server's SQLite file, with the tree made to fit; the key is the server's, who signs unknowingly."""
    server.stop()
    path = os.path.join(server.data, "probity.db")
    clean = path + ".clean"
    shutil.copy(path, clean)

    def attempt(case, change, refused_at_start, found_by_check=True):
        shutil.copy(clean, path)
        for rest in ("-wal", "-shm"):
            if os.path.exists(path + rest):
                os.remove(path + rest)
        with contextlib.closing(sqlite3.connect(path)) as database:
            change(database)
            database.commit()
        process = subprocess.Popen([server.binary, "serve", "--listen", "127.0.0.1:0"], env=server.env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            said = process.communicate(timeout=5)[1]
            started = False
        except subprocess.TimeoutExpired:
            started = True
            process.terminate()
            process.communicate()
        good = started != refused_at_start
        print(f"{'agree' if good else 'DISAGREE':<9} {case}: {'serves' if started else 'refuses to serve'}")
        if not good:
            raise SystemExit(f"{case}: {'started' if started else said}")
        found = server.run("check", check=False)
        if ("VIOLATED" in found.stdout) != found_by_check:
            raise SystemExit(f"{case}: probity check says {found.stdout[-300:]}")
        judges.cases += 1

    largest = "(SELECT MAX(position) FROM audit_entries)"

    def cut(database):
        frontier = database.execute("SELECT size FROM audit_heads ORDER BY size DESC LIMIT 1").fetchone()[0]
        rows = database.execute("SELECT leaf_hash FROM audit_entries WHERE position >> 40 = "
                                f"{largest} >> 40 ORDER BY position").fetchall()
        import verify as second

        tree = second.Frontier(0, [])
        for (digest,) in rows[:-3]:
            tree.append(digest)
        database.execute(f"DELETE FROM audit_entries WHERE position > {largest} - 3")
        database.execute("UPDATE audit_heads SET size = ?, frontier = ? WHERE size = ?",
                         (frontier - 3, b"".join(part for _, part in tree.parts), frontier))

    def rewrite(database):
        import figures

        size = database.execute("SELECT MAX(size) FROM audit_heads").fetchone()[0]
        rows = database.execute("SELECT position, leaf FROM audit_entries WHERE position >> 40 = "
                                f"{largest} >> 40 ORDER BY position").fetchall()
        tree = figures.Tree(4)
        for place, (position, leaf) in enumerate(rows):
            if place == 2:
                leaf = bytes(leaf).replace(b'"ts":"2', b'"ts":"1')
            digest = hashlib.sha256(b"\0" + bytes(leaf)).digest()
            tree.append(digest)
            database.execute("UPDATE audit_entries SET leaf = ?, leaf_hash = ? WHERE position = ?",
                             (leaf, digest, position))
        database.execute("UPDATE audit_heads SET frontier = ? WHERE size = ?", (b"".join(tree.parts), size))
        org = database.execute("SELECT organization_id FROM audit_heads WHERE size = ?", (size,)).fetchone()[0]
        database.execute("DELETE FROM audit_nodes WHERE organization_id = ?", (org,))
        database.executemany("INSERT INTO audit_nodes VALUES (?, ?, ?, ?)", [(org, *node) for node in tree.nodes])
        database.execute("DELETE FROM audit_timestamps")
        database.execute("DELETE FROM audit_checkpoints")

    attempt("the tail cut in the database", cut, True)
    # What was rewritten from end to end agrees with itself: only who remembers can tell.
    attempt("all rewritten in the database", rewrite, True, found_by_check=False)
    attempt("a leaf deleted without a word",
            lambda database: database.execute(f"UPDATE audit_entries SET leaf = NULL WHERE position = {largest}"), False)
    attempt("a slot erased without a word",
            lambda database: database.execute(
                f"UPDATE audit_entries SET actor = NULL, actor_salt = NULL WHERE position = {largest}"), False)

    # With the key as well: the signer's own memory is thrown away, and everything signed anew.
    shutil.copy(clean, path)
    for rest in ("-wal", "-shm"):
        if os.path.exists(path + rest):
            os.remove(path + rest)
    with contextlib.closing(sqlite3.connect(path)) as database:
        rewrite(database)
        database.commit()
    shutil.rmtree(os.path.join(server.data, "keys", "signed"))
    server.start()
    forged = server.call("/api/v1/audit/export")
    judges.expect("rewritten and signed anew, to who kept nothing", forged, 3, keys=keys)
    judges.expect("rewritten and signed anew, to who kept a checkpoint", forged, 1, "rewritten", keys=keys, since=kept)
    server.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("binary")
    arguments.add_argument("--database-url")
    given = arguments.parse_args()
    sys.path.insert(0, HERE)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        os.makedirs(data)
        server = Server(os.path.abspath(given.binary), data, given.database_url)
        judges = Judges(server.binary, folder)
        server.run("org", "create", "acme")
        server.key = server.run("key", "create", "--org", "acme", "--name", "test", "--scope", "admin")
        server.start()
        try:
            history(server, 6)
            kept = server.call("/api/v1/audit/checkpoint")
            history(server, 8)
            keys = "\n".join(key["vkey"] for key in json.loads(server.call("/api/v1/audit/keys"))["keys"]).encode()
            whole = honest(server, judges, keys, server.call("/api/v1/audit/checkpoint"))
            # A checkpoint from the middle: its size lies within the run.
            judges.expect("continues what was kept", whole, 3, keys=keys, since=kept)
            thieves_without_the_key(judges, whole, keys)
            pages(server, judges, keys, kept)
            every_bit(judges, server.call("/api/v1/audit/export?from=2&to=4"), keys)
            anchors(server, judges, folder, keys)
            stamps(server, judges, folder, keys)
            witness(server, judges, folder, keys)
            if not given.database_url:
                thief_with_the_database(server, judges, keys, server.call("/api/v1/audit/checkpoint"))
        finally:
            if server.process.poll() is None:
                server.stop(signal.SIGKILL)
        print(f"{judges.cases} cases, all as expected")


if __name__ == "__main__":
    main()
