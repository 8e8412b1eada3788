#!/usr/bin/env python3
"""Checks a bundle of the record. A second implementation, written from docs/src/record.md and not from the first one.

    verify.py FILE [--keys FILE] [--since CHECKPOINT] [--quorum NUMBER] [--anchors FILE]

Tokens of time-stamp authorities (RFC 3161) are counted and not checked: that takes X.509, which Python does not bring along.
Exit 0 verified, 1 failed, 2 cannot read, 3 verified with limits. Needs Python 3.9 and nothing else.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys

import ed25519

MAGIC = "probity-bundle/v1"
SLOTS = ("actor", "detail", "net")
MAX_SIZE = 2**53
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Refused(Exception):
    def __init__(self, reason, detail, entry=None):
        super().__init__(detail)
        self.reason, self.detail, self.entry = reason, detail, entry


class Unreadable(Exception):
    pass


def need(condition, reason, detail, entry=None):
    if not condition:
        raise Refused(reason, detail, entry)


# Encodings, each in its one spelling


def unbase64(text, reason="malformed", url=False):
    try:
        if url:
            data = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
            same = base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text
        else:
            data = base64.b64decode(text, validate=True)
            same = base64.b64encode(data).decode() == text
    except (binascii.Error, ValueError):
        raise Refused(reason, f"not base64: {text[:60]!r}") from None
    need(same, reason, f"not the one spelling of base64: {text[:60]!r}")
    return data


def a_hash(text):
    data = unbase64(text)
    need(len(data) == 32, "malformed", "a hash is 32 bytes")
    return data


def a_number(text, below=MAX_SIZE):
    need(re.fullmatch(r"0|[1-9][0-9]{0,16}", text), "malformed", f"not a number: {text[:40]!r}")
    need(int(text) < below, "malformed", f"too large: {text}")
    return int(text)


def utf16(name):
    return name.encode("utf-16-be", "surrogatepass")


def canonical(value):
    """RFC 8785 for what leaves and manifests hold: objects, lists, strings, whole numbers."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: utf16(member[0]))
        return "{" + ",".join(f"{canonical(name)}:{canonical(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("only strings and whole numbers")
    if isinstance(value, int):
        if abs(value) > MAX_SIZE:
            raise ValueError("beyond 2^53")
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def parse(text, reason, entry=None):
    def pairs(items):
        if len({name for name, _ in items}) != len(items):
            raise ValueError("a name twice")
        return dict(items)

    def no_float(text):
        raise ValueError(f"a number with a fraction: {text}")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_float=no_float, parse_constant=no_float)
        need(canonical(value) == text, reason, "not in canonical form", entry)
    except (ValueError, RecursionError) as error:
        raise Refused(reason, f"not JSON of the right shape: {error}", entry) from None
    return value


def shaped(value, members, optional=()):
    """Whether an object has exactly these members, each of its type."""
    known = {**members, **dict(optional)}
    return (
        isinstance(value, dict)
        and all(name in value for name in members)
        and all(name in known and isinstance(item, known[name]) for name, item in value.items())
    )


# The tree (RFC 6962)


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees of a tree, largest first, each with its height."""

    def __init__(self, size, hashes):
        heights = [height for height in range(63, -1, -1) if size >> height & 1]
        need(len(heights) == len(hashes), "root", "the hashes before the run do not fit its start")
        self.size, self.parts = size, list(zip(heights, hashes))

    def append(self, digest, height=0):
        self.size += 1 << height
        while self.parts and self.parts[-1][0] == height:
            digest, height = node(self.parts.pop()[1], digest), height + 1
        self.parts.append((height, digest))

    def root(self):
        if not self.parts:
            return hashlib.sha256(b"").digest()
        digest = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            digest = node(left, digest)
        return digest

    def complete(self, size, hashes):
        """Appends the largest complete subtrees up to a size."""
        hashes = list(hashes)
        while self.size < size:
            height = (size - self.size).bit_length() - 1
            if self.size:
                height = min(height, (self.size & -self.size).bit_length() - 1)
            need(hashes, "root", "too few hashes behind the run")
            self.append(hashes.pop(0), height)
        need(not hashes, "root", "too many hashes behind the run")


def included(digest, index, size, proof, root):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        return False
    fn, sn = index, size - 1
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            digest = node(sibling, digest)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            digest = node(digest, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and digest == root


def consistent(first, second, proof, first_root, second_root):
    """RFC 9162, 2.1.4.2, for 0 < first < second."""
    proof = list(proof)
    if first & (first - 1) == 0:
        proof.insert(0, first_root)
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node(sibling, old), node(sibling, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


# Signed notes and checkpoints (C2SP)


def a_key(text):
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", text)
    need(match, "malformed", f"not a key: {text[:80]!r}")
    name, key_id, data = match[1], bytes.fromhex(match[2]), unbase64(match[3])
    need(len(data) == 33 and data[0] in (1, 4), "malformed", "not an Ed25519 key")
    need(hashlib.sha256(name.encode() + b"\n" + data).digest()[:4] == key_id, "malformed", "the hash of the key")
    return name, key_id, data


def a_note(text, reason):
    """The text of a note, and its signature lines as (name, key id, signature)."""
    need(text.endswith("\n") and "\n\n" in text, reason, "not a signed note")
    need(not re.search(r"[\0-\x09\x0b-\x1f]", text), reason, "a control character in a note")
    body, _, rest = text.rpartition("\n\n")
    lines = rest.split("\n")[:-1]
    need(1 <= len(lines) <= 16, reason, "1 to 16 signatures")
    signatures = []
    for line in lines:
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        need(match, reason, "a malformed signature line")
        data = unbase64(match[2], reason)
        need(len(data) > 4, reason, "an empty signature")
        signatures.append((match[1], data[:4], data[4:]))
    return body + "\n", signatures


def signers(body, signatures, keys, reason):
    """The keys that signed. A wrong signature in the name of a known key refuses the note."""
    found = []
    for name, key_id, public in keys:
        mine = [line[2] for line in signatures if line[:2] == (name, key_id)]
        for signature in mine:
            text = body
            if public[0] == 4:
                # A witness signs the time at which it saw the checkpoint as well (C2SP tlog-cosignature).
                text = f"cosignature/v1\ntime {int.from_bytes(signature[:8], 'big')}\n{body}"
                signature = signature[8:]
            good = ed25519.verify(public[1:], text.encode(), signature)
            need(good, reason, f"the signature of {name} is wrong")
        if mine:
            found.append((name, key_id, public))
    need(found, reason, "no known key signed")
    return found


def a_checkpoint(text, keys, reason="signature"):
    body, signatures = a_note(text, reason)
    signed = signers(body, signatures, keys, reason) if keys is not None else []
    lines = body.split("\n")
    need(len(lines) == 4 and lines[3] == "", reason, "a checkpoint has three lines")
    origin, size, root = lines[0], a_number(lines[1], MAX_SIZE + 1), a_hash(lines[2])
    if keys is not None:
        own = any(key[0] == origin and key[2][0] == 1 for key in signed)
        need(own, reason, "the log itself did not sign")
    return {"origin": origin, "size": size, "root": root, "signed": signed}


# Anchors: a file of signed notes, one behind the other, with an empty line after each


def note_list(data):
    """The notes of a file that is only appended to, and how many pieces are no note."""
    notes, broken, text = [], 0, None
    for piece in re.split(rb"\n\n+", data.strip(b"\n")):
        if not piece:
            continue
        if not piece.startswith("— ".encode()):
            broken += text is not None
            text = piece
            continue
        try:
            note = (text + b"\n\n" + piece + b"\n").decode()
            a_note(note, "malformed")
            notes.append(note)
        except (TypeError, UnicodeDecodeError, Refused):
            broken += 1
        text = None
    return notes, broken + (text is not None)


def kept_outside(data, keys):
    """The checkpoints of a file. With keys, only what the log itself signed with one of them counts."""
    found, (notes, broken) = [], note_list(data)
    for note in notes:
        try:
            found.append(a_checkpoint(note, keys or None))
        except Refused:
            broken += 1
    return found, broken


# Bundles


class Bundle:
    def __init__(self, lines, keys, since, quorum, anchors):
        self.lines, self.keys, self.since, self.quorum, self.anchors = lines, keys, since, quorum, anchors
        self.anchored, self.tokens = [], 0
        self.digest = hashlib.sha256()
        self.redacted = {name: [] for name in SLOTS}
        self.pruned, self.roots = [], []
        self.limits = {}

    def limit(self, name, count=1):
        self.limits[name] = self.limits.get(name, 0) + count

    def next(self):
        line = next(self.lines, None)
        need(line is not None, "incomplete", "the file ends before its seal")
        need(line.endswith(b"\n"), "incomplete", "the last line does not end with a newline")
        try:
            return line, line[:-1].decode()
        except UnicodeDecodeError:
            raise Refused("malformed", "a line is not UTF-8") from None

    def verify(self):
        first = next(self.lines, b"")
        if first != MAGIC.encode() + b"\n":
            raise Unreadable("the file is not a bundle of the record")
        self.digest.update(first)
        line, text = self.next()
        self.digest.update(line)
        self.manifest(text)
        self.connect()
        self.meet_anchors()
        edges, begun = 0, False
        while True:
            line, text = self.next()
            if text.startswith("seal\t"):
                break
            self.digest.update(line)
            kind, _, rest = text.partition("\t")
            if kind in ("explains", "before", "after"):
                need(not begun, "malformed", "a proved leaf stands behind the first entry")
                leaf = self.proved(rest, "explanation" if kind == "explains" else "edge")
                if kind == "explains":
                    self.explain(leaf)
                else:
                    self.edge(leaf, kind == "before")
                    edges += 1
            else:
                begun = True
                self.entry(kind, rest, text)
            self.milestones()
        self.close(text[5:])
        need(next(self.lines, None) is None, "incomplete", "there is more behind the seal")
        if self.window:
            open_edges = (self.start > 0) + (self.end < self.checkpoint["size"]) - edges
            if open_edges > 0:
                self.limit("open_edges", open_edges)
        return self.limits

    def manifest(self, text):
        value = parse(text, "malformed")
        need(
            shaped(
                value,
                {"checkpoint": str, "end": int, "keys": list, "left": list, "right": list, "start": int, "v": int},
                {"consistency": dict, "timestamps": list, "window": dict},
            )
            and value["v"] == 1
            and all(isinstance(item, str) for name in ("keys", "left", "right") for item in value[name]),
            "malformed",
            "the manifest has other members",
        )
        self.start, self.end = value["start"], value["end"]
        need(0 <= self.start <= self.end <= MAX_SIZE, "malformed", "the run ends before it starts")
        self.window, self.consistency = value.get("window"), value.get("consistency")
        if self.window is not None:
            need(shaped(self.window, {"from": str, "to": str}), "malformed", "the span of time")
            need(all(INSTANT.fullmatch(end) for end in self.window.values()), "malformed", "the span of time")
        if self.consistency is not None:
            need(shaped(self.consistency, {"from": int, "proof": list}), "malformed", "the consistency proof")
        self.own_keys = [a_key(key) for key in value["keys"]]
        if not self.keys:
            self.limit("own_keys")
        self.trusted = self.keys or self.own_keys
        self.checkpoint = a_checkpoint(value["checkpoint"], self.trusted)
        witnesses = [key for key in self.checkpoint["signed"] if key[0] != self.checkpoint["origin"]]
        if len(witnesses) < self.quorum:
            self.limit("unwitnessed")
        need(self.end <= self.checkpoint["size"], "malformed", "the run is longer than the log")
        match = re.fullmatch(r".*/([^/]+)/audit/[^/]+", self.checkpoint["origin"])
        need(match, "malformed", "the origin does not name a log")
        self.organization = match[1]
        self.stamps(value.get("timestamps"))
        self.frontier = Frontier(self.start, [a_hash(text) for text in value["left"]])
        self.right = [a_hash(text) for text in value["right"]]

    def stamps(self, stamped):
        """Stamped checkpoints have to be continued. Whether a token is true is for who knows its authority."""
        need(stamped != [], "malformed", "an empty list of time stamps")
        for one in stamped or []:
            need(shaped(one, {"checkpoint": str, "proof": list, "token": str}), "malformed", "a time stamp")
            need(all(isinstance(item, str) for item in one["proof"]), "malformed", "the proof of a time stamp")
            earlier, now = a_checkpoint(one["checkpoint"], None, "timestamp"), self.checkpoint
            proof = [a_hash(text) for text in one["proof"]]
            need(earlier["origin"] == now["origin"] and earlier["size"] <= now["size"], "timestamp", "another log")
            if earlier["size"] in (0, now["size"]):
                good = not proof and (not earlier["size"] or earlier["root"] == now["root"])
            else:
                good = consistent(earlier["size"], now["size"], proof, earlier["root"], now["root"])
            need(good, "timestamp", f"the stamped checkpoint over {earlier['size']} entries is not continued")
            unbase64(one["token"], "timestamp")
            self.tokens += 1

    def connect(self):
        """Compares with the checkpoint that was kept."""
        kept, now = self.since, self.checkpoint
        if kept is None:
            return
        if kept["origin"] != now["origin"]:
            same = kept["origin"].rpartition("/")[0] == now["origin"].rpartition("/")[0]
            raise Refused("epoch" if same else "other_log", f"the kept checkpoint is of {kept['origin']}")
        need(kept["size"] <= now["size"], "shrunk", f"{kept['size']} entries were signed, {now['size']} are there")
        if kept["size"] == now["size"]:
            need(kept["root"] == now["root"], "rewritten", "another root at the same size")
        elif kept["size"] and self.consistency and self.consistency["from"] == kept["size"]:
            proof = [a_hash(text) for text in self.consistency["proof"]]
            good = consistent(kept["size"], now["size"], proof, kept["root"], now["root"])
            need(good, "rewritten", "the kept checkpoint is not continued")
        elif self.start <= kept["size"] <= self.end:
            self.roots.append((kept["size"], kept["root"], "rewritten"))
            self.milestones()
        else:
            need(kept["size"] == 0, "unconnected", f"export with since={kept['size']}")

    def meet_anchors(self):
        """Compares with the checkpoints of this log that were kept outside."""
        if self.anchors is None:
            return
        now = self.checkpoint
        mine = sorted((one for one in self.anchors if one["origin"] == now["origin"]), key=lambda one: one["size"])
        for one, other in zip(mine, mine[1:]):
            same = one["size"] != other["size"] or one["root"] == other["root"]
            need(same, "rewritten", f"the log had two roots at {one['size']} entries")
        sizes = [one["size"] for one in mine]
        later = [size for size in sizes if size > now["size"]]
        need(not later or now["size"] in sizes, "shrunk", f"a checkpoint over {max(later, default=0)} entries was anchored")
        for one in mine:
            if one["size"] == now["size"]:
                need(one["root"] == now["root"], "rewritten", "another root was anchored at the same size")
                self.anchored.append(one["size"])
            elif one["size"] < now["size"] and self.start <= one["size"] <= self.end:
                self.roots.append((one["size"], one["root"], "rewritten"))
                self.anchored.append(one["size"])
        if not self.anchored:
            self.limit("unanchored")
        self.milestones()

    def milestones(self):
        for size, root, reason in [known for known in self.roots if known[0] == self.frontier.size]:
            need(self.frontier.root() == root, reason, f"the first {size} entries are others")

    def leaf(self, text, index):
        need(len(text.encode()) <= 65535, "leaf", "a leaf is too long", index)
        leaf = parse(text, "leaf", index)
        good = shaped(
            leaf,
            {"action": str, "org": str, "seq": int, "slots": dict, "target": dict, "ts": str, "v": int},
            {"args": dict},
        )
        need(good and leaf["v"] == 1, "leaf", "a leaf has other members", index)
        need(shaped(leaf["target"], {"id": str, "type": str}), "leaf", "the target of a leaf", index)
        need(all(leaf["target"].values()) and leaf["action"] and leaf["org"], "leaf", "an empty name", index)
        need(leaf.get("args") != {} and INSTANT.fullmatch(leaf["ts"]), "leaf", "args or ts", index)
        for value in leaf.get("args", {}).values():
            need(isinstance(value, (str, int)), "leaf", "an argument is text or a whole number", index)
        for name, commitment in leaf["slots"].items():
            need(name in SLOTS and isinstance(commitment, str), "leaf", "a slot", index)
            need(len(unbase64(commitment, "leaf", url=True)) == 32, "leaf", "a commitment", index)
        need(leaf["seq"] == index, "order", f"the leaf in this place is number {leaf['seq']}", index)
        need(leaf["org"] == self.organization, "organization", f"the leaf is of {leaf['org']}", index)
        return leaf

    def proved(self, rest, reason):
        fields = rest.split("\t", 2)
        need(len(fields) == 3, "malformed", "a proved leaf has an index, a proof and a leaf")
        index = a_number(fields[0])
        proof = [] if fields[1] == "-" else [a_hash(text) for text in fields[1].split(",")]
        good = included(leaf_hash(fields[2].encode()), index, self.checkpoint["size"], proof, self.checkpoint["root"])
        need(good, reason, "it is not in the log", index)
        return self.leaf(fields[2], index)

    def explain(self, leaf):
        args, seq = leaf.get("args", {}), leaf["seq"]
        wrong = ("explanation", f"{leaf['action']} explains nothing", seq)
        if leaf["action"] == "audit.redact":
            need(shaped(args, {"basis": str, "entries": str, "slot": str}, {"ticket": str}), *wrong)
            need(args["slot"] in SLOTS and args["basis"], *wrong)
            last = -1
            for run in args["entries"].split(","):
                match = re.fullmatch(r"(\d+)(?:-(\d+))?", run)
                need(match, *wrong)
                low, high = int(match[1]), int(match[2] or match[1])
                one = str(low) if low == high else f"{low}-{high}"
                need(one == run and last + 1 < low + (last < 0) and low <= high < seq, *wrong)
                self.redacted[args["slot"]].append((low, high))
                last = high
        elif leaf["action"] == "audit.prune":
            need(shaped(args, {"from": int, "policy_days": int, "root": str, "to": int}), *wrong)
            need(0 <= args["from"] < args["to"] <= seq and args["policy_days"] >= 0, *wrong)
            need(re.fullmatch(r"[0-9a-f]{64}", args["root"]), *wrong)
            self.pruned.append((args["from"], args["to"] - 1))
            if self.start <= args["to"] <= self.end:
                self.roots.append((args["to"], bytes.fromhex(args["root"]), "explanation"))
        else:
            raise Refused(*wrong)

    def edge(self, leaf, before):
        place = self.start - 1 if before else self.end
        need(leaf["seq"] == place, "edge", "it does not stand beside the run", leaf["seq"])
        need(self.window, "edge", "no span of time was asked for", leaf["seq"])
        bound = self.window["from" if before else "to"]
        need(before == (leaf["ts"] < bound), "edge", "it lies within the span of time", leaf["seq"])

    def entry(self, kind, rest, text):
        index = self.frontier.size
        need(index < self.end, "order", "there are more entries than the run has", index)
        if kind == "pruned":
            digest = a_hash(rest)
            explained = any(low <= index <= high for low, high in self.pruned)
            need(explained, "unexplained_absence", "the leaf is missing", index)
            self.limit("pruned")
            self.frontier.append(digest)
            return
        fields = text.split("\t")
        leaf = self.leaf(fields[0], index)
        need(len(fields) - 1 == len(leaf["slots"]), "malformed", "not one field for each slot", index)
        for (name, commitment), field in zip(sorted(leaf["slots"].items()), fields[1:]):
            self.slot(index, name, commitment, field)
        self.frontier.append(leaf_hash(fields[0].encode()))

    def slot(self, index, name, commitment, field):
        if field == "withheld":
            self.limit("withheld")
        elif field == "erased":
            explained = any(low <= index <= high for low, high in self.redacted[name])
            need(explained, "unexplained_absence", f"the {name} is missing", index)
            self.limit("redacted")
        else:
            salt, colon, data = field.partition(":")
            salt = unbase64(salt, url=True)
            need(colon and len(salt) == 32, "malformed", f"the slot {name}", index)
            made = hashlib.sha256(f"probity-slot/v1\n{name}\n".encode() + salt + data.encode()).digest()
            good = made == unbase64(commitment, url=True)
            need(good, "commitment", f"the {name} is not what the leaf commits to", index)

    def close(self, seal):
        need(self.frontier.size == self.end, "order", "the run ends early", self.frontier.size)
        self.frontier.complete(self.checkpoint["size"], self.right)
        need(self.frontier.root() == self.checkpoint["root"], "root", "at least one entry was changed")
        note = parse(seal, "seal")
        need(isinstance(note, str), "seal", "the seal is not a string")
        body, signatures = a_note(note, "seal")
        digest = base64.b64encode(self.digest.digest()).decode()
        origin = self.checkpoint["origin"]
        expected = f"{MAGIC}\n{origin}\n{self.end - self.start}\n{digest}\n"
        need(body == expected, "seal", "the bytes are not those that were sealed")
        # While keys rotate the log signs with both; the reader may know one of them only.
        own = [key for key in {*self.trusted, *self.own_keys} if key[0] == origin]
        known = [line[:2] for line in signatures]
        need(len(set(known)) == len(known), "seal", "a key signs twice")
        need(all(line in [key[:2] for key in own] for line in known), "seal", "a signature by an unknown key")
        signed = signers(body, signatures, own, "seal")
        need(any(key in self.trusted for key in signed), "seal", "no key that is trusted sealed it")


def verify(lines, keys=(), since=None, quorum=1):
    """Checks a bundle, given as an iterator of lines; answers its limits or raises."""
    return Bundle(iter(lines), list(keys), since, quorum, None).verify()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("file")
    arguments.add_argument("--keys")
    arguments.add_argument("--since")
    arguments.add_argument("--quorum", type=int, default=1)
    arguments.add_argument("--anchors")
    given = arguments.parse_args()
    try:
        keys, since, anchors, broken = [], None, None, 0
        if given.keys:
            with open(given.keys, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
            keys = [a_key(line) for line in lines if line and not line.startswith("#")]
        if given.since:
            with open(given.since, encoding="utf-8", newline="") as file:
                since = a_checkpoint(file.read(), keys or None)
        if given.anchors:
            with open(given.anchors, "rb") as file:
                anchors, broken = kept_outside(file.read(), keys)
        with open(given.file, "rb") as file:
            bundle = Bundle(iter(file), keys, since, given.quorum, anchors)
            limits = bundle.verify()
    except (OSError, Unreadable) as error:
        print(f"CANNOT READ  {error}")
        return 2
    except Refused as refused:
        where = "" if refused.entry is None else f"entry {refused.entry}: "
        print(f"FAILED  {refused.reason}: {where}{refused.detail}")
        return 1
    print("VERIFIED" + (", WITH LIMITS" if limits else ""))
    for name, count in sorted(limits.items()):
        print(f"  {name} {count}")
    if anchors is not None:
        print(f"anchored at {', '.join(map(str, bundle.anchored)) or 'no size'}; {broken} pieces of the file passed over")
    if bundle.tokens:
        print(f"{bundle.tokens} time stamps are in the bundle: not checked here, see probity verify --tsa-cert")
    return 3 if limits else 0


if __name__ == "__main__":
    sys.exit(main())
