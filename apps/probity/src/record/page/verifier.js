"use strict";
// Checks the bundle in this page, with the browser's own SHA-256 and Ed25519 and no network.
// The format and the checks are those of the page "The record" in the documentation.

const MAGIC = "probity-bundle/v1", SLOTS = ["actor", "detail", "net"], MAX = 2 ** 53;
const encoder = new TextEncoder();

class Refused extends Error {
  constructor(reason, detail, entry = null) {
    super(detail);
    Object.assign(this, { reason, detail, entry });
  }
}

function need(condition, reason, detail, entry) {
  if (!condition) throw new Refused(reason, detail, entry);
}

// Encodings, each in its one spelling

function unbase64(text, reason = "malformed", url = false) {
  try {
    const plain = url ? text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4) : text;
    const data = atob(plain);
    need((!url || !/[+/=]/.test(text)) && btoa(data) === plain, reason, "not the one spelling of base64");
    return Uint8Array.from(data, (c) => c.charCodeAt(0));
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(reason, "not base64");
  }
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function same(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

function aHash(text) {
  const data = unbase64(text);
  need(data.length === 32, "malformed", "a hash is 32 bytes");
  return data;
}

function aNumber(text, most = MAX - 1) {
  need(/^(0|[1-9][0-9]{0,16})$/.test(text) && Number(text) <= most, "malformed", "not a number: " + text);
  return Number(text);
}

function canonical(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= MAX) return String(value);
  if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
  if (value !== null && typeof value === "object") {
    const names = Object.keys(value).sort();
    return "{" + names.map((name) => JSON.stringify(name) + ":" + canonical(value[name])).join(",") + "}";
  }
  throw new Error("only objects, lists, strings and whole numbers");
}

function parse(text, reason, entry) {
  let value;
  try {
    value = JSON.parse(text);
    need(canonical(value) === text, reason, "not in canonical form", entry);
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(reason, "not JSON of the right shape: " + error.message, entry);
  }
  return value;
}

function shaped(value, members, optional = {}) {
  const kinds = { string: (v) => typeof v === "string", number: (v) => Number.isInteger(v), list: Array.isArray,
    object: (v) => v !== null && typeof v === "object" && !Array.isArray(v) };
  const known = { ...members, ...optional };
  return kinds.object(value) && Object.keys(members).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, item]) => Object.hasOwn(known, name) && kinds[known[name]](item));
}

// The tree (RFC 6962)

function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) out.set(part, place), (place += part.length);
  return out;
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

const leafHash = (leaf) => sha256(join([0], encoder.encode(leaf)));
const node = (left, right) => sha256(join([1], left, right));

class Frontier {
  constructor(size, hashes) {
    const heights = [];
    for (let height = 53; height >= 0; height--) if (Math.floor(size / 2 ** height) % 2) heights.push(height);
    need(heights.length === hashes.length, "root", "the hashes before the run do not fit its start");
    this.size = size;
    this.parts = heights.map((height, place) => [height, hashes[place]]);
  }

  async append(digest, height = 0) {
    this.size += 2 ** height;
    while (this.parts.length && this.parts.at(-1)[0] === height) {
      digest = await node(this.parts.pop()[1], digest);
      height += 1;
    }
    this.parts.push([height, digest]);
  }

  async root() {
    if (!this.parts.length) return sha256(new Uint8Array());
    let digest = this.parts.at(-1)[1];
    for (const [, left] of this.parts.slice(0, -1).reverse()) digest = await node(left, digest);
    return digest;
  }

  async complete(size, hashes) {
    hashes = [...hashes];
    while (this.size < size) {
      let height = Math.floor(Math.log2(size - this.size));
      while (2 ** height > size - this.size || this.size % 2 ** height) height -= 1;
      need(hashes.length, "root", "too few hashes behind the run");
      await this.append(hashes.shift(), height);
    }
    need(!hashes.length, "root", "too many hashes behind the run");
  }
}

const half = (n) => Math.floor(n / 2);

async function included(digest, index, size, proof, root) {
  if (index >= size) return false;
  let fn = index, sn = size - 1;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 || fn === sn) {
      digest = await node(sibling, digest);
      while (fn % 2 === 0 && fn) (fn = half(fn)), (sn = half(sn));
    } else digest = await node(digest, sibling);
    (fn = half(fn)), (sn = half(sn));
  }
  return sn === 0 && same(digest, root);
}

async function consistent(first, second, proof, firstRoot, secondRoot) {
  proof = [...proof];
  if (Number.isInteger(Math.log2(first)) && 2 ** Math.log2(first) === first) proof.unshift(firstRoot);
  if (!proof.length) return false;
  let fn = first - 1, sn = second - 1;
  while (fn % 2) (fn = half(fn)), (sn = half(sn));
  let old = proof[0], now = proof[0];
  for (const sibling of proof.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 || fn === sn) {
      old = await node(sibling, old);
      now = await node(sibling, now);
      while (fn % 2 === 0 && fn) (fn = half(fn)), (sn = half(sn));
    } else now = await node(now, sibling);
    (fn = half(fn)), (sn = half(sn));
  }
  return sn === 0 && same(old, firstRoot) && same(now, secondRoot);
}

// Signed notes and checkpoints (C2SP)

async function aKey(text) {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  need(match, "malformed", "not a key: " + text);
  const data = unbase64(match[3]);
  need(data.length === 33 && (data[0] === 1 || data[0] === 4), "malformed", "not an Ed25519 key");
  const id = hex((await sha256(join(encoder.encode(match[1] + "\n"), data))).slice(0, 4));
  need(id === match[2], "malformed", "the hash of the key");
  return { name: match[1], id, text, witness: data[0] === 4, key: await crypto.subtle.importKey("raw", data.slice(1), "Ed25519", false, ["verify"]) };
}

function aNote(text, reason) {
  const end = text.lastIndexOf("\n\n");
  need(text.endsWith("\n") && end >= 0, reason, "not a signed note");
  need(!/[\0-\x09\x0b-\x1f]/.test(text), reason, "a control character in a note");
  const lines = text.slice(end + 2).split("\n").slice(0, -1);
  need(lines.length >= 1 && lines.length <= 16, reason, "1 to 16 signatures");
  const signatures = lines.map((line) => {
    const match = /^— ([^\s+]+) (\S+)$/.exec(line);
    need(match, reason, "a malformed signature line");
    const data = unbase64(match[2], reason);
    need(data.length > 4, reason, "an empty signature");
    return { name: match[1], id: hex(data.slice(0, 4)), signature: data.slice(4) };
  });
  return { body: text.slice(0, end + 1), signatures };
}

async function signers(note, keys, reason) {
  const found = [];
  for (const key of keys) {
    const mine = note.signatures.filter((line) => line.name === key.name && line.id === key.id);
    for (const line of mine) {
      // A witness signs the time at which it saw the checkpoint as well (C2SP tlog-cosignature).
      const at = key.witness ? line.signature.slice(0, 8) : [], signature = line.signature.slice(at.length);
      const time = at.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
      const signed = encoder.encode(key.witness ? `cosignature/v1\ntime ${time}\n${note.body}` : note.body);
      const good = signature.length === 64 && (await crypto.subtle.verify("Ed25519", key.key, signature, signed));
      need(good, reason, `the signature of ${key.name} is wrong`);
    }
    if (mine.length) found.push(key);
  }
  need(found.length, reason, "no known key signed");
  return found;
}

async function aCheckpoint(text, keys) {
  const note = aNote(text, "signature");
  const signed = keys ? await signers(note, keys, "signature") : [];
  const lines = note.body.split("\n");
  need(lines.length === 4 && lines[3] === "", "signature", "a checkpoint has three lines");
  const checkpoint = { origin: lines[0], size: aNumber(lines[1], MAX), root: aHash(lines[2]), signed };
  if (keys) need(signed.some((key) => key.name === lines[0] && !key.witness), "signature", "the log itself did not sign");
  return checkpoint;
}

// Bundles

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

class Bundle {
  constructor(keys, kept) {
    Object.assign(this, { keys, kept, limits: {}, milestonesLeft: [], pruned: [], opened: 0, instants: [], shown: [] });
    this.redacted = Object.fromEntries(SLOTS.map((name) => [name, []]));
  }

  limit(name, count = 1) {
    this.limits[name] = (this.limits[name] || 0) + count;
  }

  async verify(text) {
    need(text.startsWith(MAGIC + "\n"), "not_a_bundle", "there is no bundle in this page");
    const seal = text.lastIndexOf("\nseal\t") + 1;
    const lines = text.split("\n");
    need(lines.pop() === "", "incomplete", "the last line does not end with a newline");
    await this.manifest(lines[1] ?? "");
    await this.connect();
    let edges = 0, begun = false, place = 2;
    for (; place < lines.length && !lines[place].startsWith("seal\t"); place++) {
      const line = lines[place], [kind] = line.split("\t", 1), rest = line.slice(kind.length + 1);
      if (["explains", "before", "after"].includes(kind)) {
        need(!begun, "malformed", "a proved leaf stands behind the first entry");
        const leaf = await this.proved(rest, kind === "explains" ? "explanation" : "edge");
        if (kind === "explains") this.explain(leaf);
        else this.edge(leaf, kind === "before"), (edges += 1);
      } else {
        begun = true;
        await this.entry(kind, rest, line);
      }
      await this.milestones();
    }
    need(place < lines.length, "incomplete", "the page ends before its seal: a part of it is missing");
    need(place === lines.length - 1 && seal > 0, "incomplete", "there is more behind the seal");
    await this.close(lines[place].slice(5), encoder.encode(text.slice(0, seal)));
    if (this.window) {
      const open = (this.start > 0) + (this.end < this.checkpoint.size) - edges;
      if (open > 0) this.limit("open_edges", open);
    }
    return this;
  }

  async manifest(line) {
    const value = parse(line, "malformed");
    const strings = (list) => list.every((item) => typeof item === "string");
    need(shaped(value, { checkpoint: "string", end: "number", keys: "list", left: "list", right: "list", start: "number",
      v: "number" }, { consistency: "object", timestamps: "list", window: "object" }) && value.v === 1 && strings(value.keys) &&
      strings(value.left) && strings(value.right), "malformed", "the manifest has other members");
    Object.assign(this, { start: value.start, end: value.end, window: value.window, consistency: value.consistency });
    need(0 <= this.start && this.start <= this.end && this.end <= MAX, "malformed", "the run ends before it starts");
    if (this.window) {
      const good = shaped(this.window, { from: "string", to: "string" }) && Object.values(this.window).every((end) => INSTANT.test(end));
      need(good, "malformed", "the span of time");
    }
    if (this.consistency) need(shaped(this.consistency, { from: "number", proof: "list" }) && strings(this.consistency.proof),
      "malformed", "the consistency proof");
    this.ownKeys = await Promise.all(value.keys.map(aKey));
    if (!this.keys.length) this.limit("own_keys");
    this.trusted = this.keys.length ? this.keys : this.ownKeys;
    this.checkpoint = await aCheckpoint(value.checkpoint, this.trusted);
    if (this.checkpoint.signed.every((key) => key.name === this.checkpoint.origin)) this.limit("unwitnessed");
    need(this.end <= this.checkpoint.size, "malformed", "the run is longer than the log");
    const match = /^.*\/([^/]+)\/audit\/[^/]+$/.exec(this.checkpoint.origin);
    need(match, "malformed", "the origin does not name a log");
    this.organization = match[1];
    await this.stampsOf(value.timestamps);
    this.frontier = new Frontier(this.start, value.left.map(aHash));
    this.right = value.right.map(aHash);
  }

  // Stamped checkpoints have to be continued. Whether a token is true is for who knows its authority.
  async stampsOf(stamped) {
    this.stamps = [];
    need(stamped === undefined || stamped.length, "malformed", "an empty list of time stamps");
    for (const one of stamped ?? []) {
      need(shaped(one, { checkpoint: "string", proof: "list", token: "string" }) && one.proof.every((item) => typeof item === "string"),
        "malformed", "a time stamp");
      const earlier = await aCheckpoint(one.checkpoint, null), now = this.checkpoint, proof = one.proof.map(aHash);
      need(earlier.origin === now.origin && earlier.size <= now.size, "timestamp", "the time stamp of another log");
      const alike = earlier.size === 0 || earlier.size === now.size;
      const good = alike ? !proof.length && (earlier.size === 0 || same(earlier.root, now.root))
        : await consistent(earlier.size, now.size, proof, earlier.root, now.root);
      need(good, "timestamp", `the stamped checkpoint over ${earlier.size} entries is not continued`);
      unbase64(one.token, "timestamp");
      this.stamps.push(earlier.size);
    }
  }

  async connect() {
    const kept = this.kept, now = this.checkpoint;
    if (!kept) return;
    if (kept.origin !== now.origin) {
      const log = (origin) => origin.slice(0, origin.lastIndexOf("/"));
      throw new Refused(log(kept.origin) === log(now.origin) ? "epoch" : "other_log", "the kept checkpoint is of " + kept.origin);
    }
    need(kept.size <= now.size, "shrunk", `${kept.size} entries were signed, ${now.size} are there`);
    if (kept.size === now.size) need(same(kept.root, now.root), "rewritten", "another root at the same size");
    else if (kept.size && this.consistency?.from === kept.size) {
      const proof = this.consistency.proof.map(aHash);
      need(await consistent(kept.size, now.size, proof, kept.root, now.root), "rewritten", "the kept checkpoint is not continued");
    } else if (this.start <= kept.size && kept.size <= this.end) {
      this.milestonesLeft.push([kept.size, kept.root, "rewritten"]);
      await this.milestones();
    } else need(kept.size === 0, "unconnected", "export with since=" + kept.size);
  }

  async milestones() {
    for (const [size, root, reason] of this.milestonesLeft)
      if (size === this.frontier.size) need(same(await this.frontier.root(), root), reason, `the first ${size} entries are others`);
  }

  leaf(text, index) {
    need(encoder.encode(text).length <= 65535, "leaf", "a leaf is too long", index);
    const leaf = parse(text, "leaf", index);
    const good = shaped(leaf, { action: "string", org: "string", seq: "number", slots: "object", target: "object", ts: "string",
      v: "number" }, { args: "object" });
    need(good && leaf.v === 1, "leaf", "a leaf has other members", index);
    need(shaped(leaf.target, { id: "string", type: "string" }), "leaf", "the target of a leaf", index);
    need(leaf.target.id && leaf.target.type && leaf.action && leaf.org && INSTANT.test(leaf.ts), "leaf", "an empty name, or ts", index);
    const args = Object.values(leaf.args ?? { none: 0 });
    need(args.length && args.every((value) => ["string", "number"].includes(typeof value)), "leaf", "the arguments", index);
    for (const [name, commitment] of Object.entries(leaf.slots))
      need(SLOTS.includes(name) && typeof commitment === "string" && unbase64(commitment, "leaf", true).length === 32,
        "leaf", "a commitment", index);
    need(leaf.seq === index, "order", `the leaf in this place is number ${leaf.seq}`, index);
    need(leaf.org === this.organization, "organization", "the leaf is of " + leaf.org, index);
    return leaf;
  }

  async proved(rest, reason) {
    const one = rest.indexOf("\t"), two = rest.indexOf("\t", one + 1);
    need(one > 0 && two > 0, "malformed", "a proved leaf has an index, a proof and a leaf");
    const index = aNumber(rest.slice(0, one)), hashes = rest.slice(one + 1, two), leaf = rest.slice(two + 1);
    const proof = hashes === "-" ? [] : hashes.split(",").map(aHash);
    const good = await included(await leafHash(leaf), index, this.checkpoint.size, proof, this.checkpoint.root);
    need(good, reason, "it is not in the log", index);
    return this.leaf(leaf, index);
  }

  explain(leaf) {
    const args = leaf.args ?? {}, seq = leaf.seq;
    const must = (condition) => need(condition, "explanation", leaf.action + " explains nothing", seq);
    if (leaf.action === "audit.redact") {
      must(shaped(args, { basis: "string", entries: "string", slot: "string" }, { ticket: "string" }));
      must(SLOTS.includes(args.slot) && args.basis);
      let last = -2;
      for (const run of args.entries.split(",")) {
        const match = /^(\d+)(?:-(\d+))?$/.exec(run);
        must(match);
        const low = Number(match[1]), high = Number(match[2] ?? match[1]);
        must((low === high ? String(low) : low + "-" + high) === run && last + 1 < low && low <= high && high < seq);
        this.redacted[args.slot].push([low, high]);
        last = high;
      }
    } else if (leaf.action === "audit.prune") {
      must(shaped(args, { from: "number", policy_days: "number", root: "string", to: "number" }));
      must(0 <= args.from && args.from < args.to && args.to <= seq && args.policy_days >= 0 && /^[0-9a-f]{64}$/.test(args.root));
      this.pruned.push([args.from, args.to - 1]);
      const root = Uint8Array.from(args.root.match(/../g), (pair) => parseInt(pair, 16));
      if (this.start <= args.to && args.to <= this.end) this.milestonesLeft.push([args.to, root, "explanation"]);
    } else must(false);
  }

  edge(leaf, before) {
    need(leaf.seq === (before ? this.start - 1 : this.end), "edge", "it does not stand beside the run", leaf.seq);
    need(this.window, "edge", "no span of time was asked for", leaf.seq);
    need(before === leaf.ts < this.window[before ? "from" : "to"], "edge", "it lies within the span of time", leaf.seq);
  }

  async entry(kind, rest, line) {
    const index = this.frontier.size, within = (runs) => runs.some(([low, high]) => low <= index && index <= high);
    need(index < this.end, "order", "there are more entries than the run has", index);
    if (kind === "pruned") {
      const digest = aHash(rest);
      need(within(this.pruned), "unexplained_absence", "the leaf is missing", index);
      this.limit("pruned");
      this.shown.push({ index });
      return this.frontier.append(digest);
    }
    const [text, ...fields] = line.split("\t"), leaf = this.leaf(text, index);
    const slots = Object.entries(leaf.slots).sort(([one], [other]) => (one < other ? -1 : 1));
    need(fields.length === slots.length, "malformed", "not one field for each slot", index);
    for (const [place, [name, commitment]] of slots.entries()) {
      const field = fields[place];
      if (field === "withheld") this.limit("withheld");
      else if (field === "erased") {
        need(within(this.redacted[name]), "unexplained_absence", `the ${name} is missing`, index);
        this.limit("redacted");
      } else {
        const colon = field.indexOf(":"), salt = unbase64(field.slice(0, Math.max(colon, 0)), "malformed", true);
        need(colon > 0 && salt.length === 32, "malformed", "the slot " + name, index);
        const made = await sha256(join(encoder.encode(`probity-slot/v1\n${name}\n`), salt, encoder.encode(field.slice(colon + 1))));
        need(same(made, unbase64(commitment, "leaf", true)), "commitment", `the ${name} is not what the leaf commits to`, index);
        this.opened += 1;
      }
    }
    this.shown.push({ index, leaf, slots: slots.map(([name], place) => [name, fields[place]]) });
    this.instants = [this.instants[0] ?? leaf.ts, leaf.ts];
    await this.frontier.append(await leafHash(text));
  }

  async close(seal, sealed) {
    need(this.frontier.size === this.end, "order", "the run ends early", this.frontier.size);
    await this.frontier.complete(this.checkpoint.size, this.right);
    need(same(await this.frontier.root(), this.checkpoint.root), "root", "at least one entry was changed");
    const text = parse(seal, "seal");
    need(typeof text === "string", "seal", "the seal is not a string");
    const note = aNote(text, "seal"), origin = this.checkpoint.origin;
    const expected = `${MAGIC}\n${origin}\n${this.end - this.start}\n${base64(await sha256(sealed))}\n`;
    need(note.body === expected, "seal", "the bytes are not those that were sealed");
    const own = [...new Map([...this.trusted, ...this.ownKeys].map((key) => [key.text, key])).values()].filter((key) => key.name === origin);
    const names = note.signatures.map((line) => line.name + line.id);
    need(new Set(names).size === names.length, "seal", "a key signs twice");
    need(names.every((name) => own.some((key) => key.name + key.id === name)), "seal", "a signature by an unknown key");
    const signed = await signers(note, own, "seal");
    need(signed.some((key) => this.trusted.some((known) => known.text === key.text)), "seal", "no key that is trusted sealed it");
  }
}

/** Checks a bundle; `keys` and `kept` are texts that may be empty. Answers the bundle or throws a Refused. */
async function verifyBundle(text, keys = "", kept = "") {
  const lines = keys.split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  const known = await Promise.all(lines.map(aKey));
  const since = kept.trim() ? await aCheckpoint(kept, known.length ? known : null) : null;
  return new Bundle(known, since).verify(text);
}

// The page

const LIMITS = {
  own_keys: "The keys were taken from this page, so whoever made the page may have made them up. Paste those that you got elsewhere.",
  unwitnessed: "Nobody but the log itself signed the checkpoint.",
  pruned: "entries were pruned; the log says when and why.",
  redacted: "slots were erased; the log says when and why.",
  withheld: "slots were withheld from whoever exported this page.",
  open_edges: "ends of the span of time are not shown by a neighbouring entry.",
};
const COUNTED = ["pruned", "redacted", "withheld", "open_edges"], PAGE = 200;

const at = (id) => document.getElementById(id);

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  (made.textContent = text), (made.className = className);
  return made;
}

function verdict(className, mark, word, reason) {
  at("result").className = className;
  (at("mark").textContent = mark), (at("word").textContent = word), (at("reason").textContent = reason);
}

function say(name, text, className = "") {
  at("facts").append(element("dt", name), element("dd", text, className));
}

function facts(bundle) {
  const { checkpoint, start, end } = bundle;
  say("Log", `${checkpoint.origin}, ${checkpoint.size} entries`);
  say("Root", hex(checkpoint.root), "hash");
  say("Entries", start < end ? `${end - start}: ${start} to ${end - 1}` : "none");
  if (bundle.instants.length) say("From, to", bundle.instants.join(" to "));
  say("Slots", `${bundle.opened} shown, and true to their commitments`);
  for (const key of checkpoint.signed) say("Signed by", key.text, "hash");
  say("Continues", bundle.kept ? `the checkpoint over ${bundle.kept.size} entries that you kept` : "not compared: paste a checkpoint that you kept");
  for (const size of bundle.stamps) say("Time stamp", `over the first ${size} entries; this page cannot judge its authority: probity verify --tsa-cert can`);
}

// The value of a slot that is shown; what is no JSON stays the text that it is.
function opened(field) {
  const text = field.slice(field.indexOf(":") + 1);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// What an entry says of who and what, as far as it is shown.
function particulars({ slots }) {
  const cell = element("td"), shown = slots.filter(([, field]) => field.includes(":"));
  const actor = shown.find(([name]) => name === "actor");
  const named = actor ? opened(actor[1]) : null, who = named?.name ?? named?.subject ?? named?.id ?? named?.type;
  const gone = slots.map(([name, field]) => (field.includes(":") ? "" : `${name} ${field}`)).filter(Boolean).join(", ");
  if (shown.length) {
    const details = element("details");
    details.append(element("summary", String(who ?? "in detail")));
    for (const [name, field] of shown) details.append(element("pre", `${name} ${JSON.stringify(opened(field), null, 2)}`));
    cell.append(details);
  }
  if (gone) cell.append(element("span", gone, "gone"));
  return cell;
}

function row(entry) {
  const made = element("tr"), { leaf } = entry;
  made.append(element("td", String(entry.index), "number"));
  if (!leaf) {
    const cell = element("td", "pruned", "gone");
    cell.colSpan = 4;
    made.append(cell);
    return made;
  }
  const target = element("td", leaf.target.type + " ");
  target.append(element("code", leaf.target.id));
  made.append(element("td", leaf.ts.replace("T", " ").replace(/\.\d+Z$/, "Z"), "time"), element("td", leaf.action), target, particulars(entry));
  return made;
}

function rows(shown) {
  const from = at("rows").childElementCount;
  at("rows").append(...shown.slice(from, from + PAGE).map(row));
  at("entries").hidden = !shown.length;
  at("more").hidden = at("rows").childElementCount >= shown.length;
}

function clear() {
  for (const id of ["facts", "limits", "rows"]) at(id).replaceChildren();
  (at("entries").hidden = true), (at("more").hidden = true);
  at("about").textContent = "What was checked";
}

async function show() {
  clear();
  verdict("", "…", "Checking", "One moment.");
  try {
    const bundle = await verifyBundle(at("bundle").textContent, at("keys").value, at("kept").value);
    const limits = Object.entries(bundle.limits);
    const whole = `${bundle.end - bundle.start} entries of ${bundle.checkpoint.origin} are those that were signed.`;
    if (limits.length) verdict("limited", "!", "Verified, with limits", whole + " What limits the proof stands below.");
    else verdict("good", "✓", "Verified", whole);
    for (const [name, count] of limits) at("limits").append(element("li", (COUNTED.includes(name) ? count + " " : "") + LIMITS[name]));
    facts(bundle);
    rows(bundle.shown);
    at("more").onclick = () => rows(bundle.shown);
  } catch (error) {
    // Nothing of a bundle that is refused is shown as if it were true.
    clear();
    const refused = error instanceof Refused;
    at("about").textContent = "Why";
    verdict("bad", "✗", refused ? "Refused" : "Not checked", refused ? "This page does not hold what was signed." : "This browser cannot check it.");
    if (refused && error.entry !== null && error.entry !== undefined) say("Entry", String(error.entry));
    say("Reason", refused ? error.reason : "unsupported");
    say("Detail", refused ? error.detail : "it lacks Ed25519 in WebCrypto: " + error.message);
  }
  document.documentElement.dataset.result = at("result").className;
}

if (typeof document !== "undefined") {
  at("own").addEventListener("submit", (event) => (event.preventDefault(), show()));
  show();
}
