#!/usr/bin/env python3
"""Checks what a Stepward event log hands out, with nothing but Python 3.8 or later.

    verify_log.py export FILE               all events of a log
    verify_log.py proof FILE --key VKEY     one event, in FILE.leaf or --leaf, is in a log
    verify_log.py evidence FOLDER           the events of one run are in a log
    verify_log.py tiles FOLDER --key VKEY   a log as it is published

Written from RFC 6962, RFC 8032 and C2SP's signed-note and tlog-*. What does not hold is a line
"FAILS what, where"; then the exit status is 1. Each key named, by --key or inside, must sign."""
import argparse
import json
import re
import time
from base64 import b64decode
from hashlib import sha256, sha512
HASH = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="  # 32 bytes in the one spelling of base64
BYTES = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)?"
KEY = r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})"
CHECKPOINT = (rf"(([^\0-\x1f]+)\n(0|[1-9][0-9]{{0,18}})\n({HASH})\n(?:[^\0-\x1f]+\n)*)"
              rf"\n((?:— [^\s+\0-\x1f]+ {BYTES}\n){{1,64}})")
PROOF = (rf"c2sp\.org/tlog-proof@v1\n(?:extra {BYTES}\n)?index (0|[1-9][0-9]{{0,18}})\n"
         rf"((?:{HASH}\n){{0,63}})\n([^\0]+)")
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # RFC 8032, 5.1
D, BASE = -121665 * pow(121666, -1, P) % P, b"X" + b"f" * 31
WHO = {"service": "kind", "step": "kind name", "person": "kind name by", "robot": "kind name by"}
COMMON = "v seq env time_us error_us? mono_us actor run? step? call? body? action "
FIELDS = dict((words + " ").split(" ", 1) for words in """service-started version; service-stopped;
service-recovered not_started can_go_on in_doubt unreadable; log-restored size root generation;
configuration-changed before? now; bundle-changed object before? now; operator-acted act;
run-started object definition policy; run-continued policy; run-ended outcome; step-started
component engine limits; step-ended outcome fuel; grant-decided object decision rule policy;
call-intended object method attempt idempotent decision workflow_rule environment_rule policy;
call-answered object attempt effect status? rule?; call-recorded object status?; call-resolved
effect; limit-reached limit; secret-used secret version purpose; body-erased complete_at_ms;
gap-found gap from""".replace("\n", " ").split("; "))
spell = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

def add(p, q):
    k = D * p[0] * p[1] * q[0] * q[1]
    return ((p[0] * q[1] + p[1] * q[0]) * pow(1 + k, -1, P) % P,
            (p[1] * q[1] + p[0] * q[0]) * pow(1 - k, -1, P) % P)

def times(n, p):
    return add(times(n // 2, add(p, p)), p if n % 2 else (0, 1)) if n else (0, 1)

def point(data):  # RFC 8032, 5.1.3
    y, sign = int.from_bytes(data, "little") % 2**255, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    good = y < P and x * x % P == square and (x or not sign)
    return (x if x % 2 == sign else P - x, y) if good else None

def fits(value, names):  # these names in this order, those with a mark perhaps; plain values
    names = [name.strip("?") for name in names.split() if "?" not in name or name[:-1] in value]
    plain = [type(one) in (str, int, bool) and len(str(one)) <= 200 for one in value.values()]
    return list(value) == names and all(plain)

def signed(key, text, mark):  # RFC 8032, 5.1.7; never under a key of small order
    if key[0] == 4:  # tlog-cosignature: the time stands before the signature
        text, mark = b"cosignature/v1\ntime %d\n" % int.from_bytes(mark[:8], "big") + text, mark[8:]
    a, r = point(key[1:]), point(mark[:32]) if len(mark) == 64 else None
    s = int.from_bytes(mark[32:], "little")
    good = key[0] in (1, 4) and a and r and s < ORDER and times(8, a) != (0, 1)
    k = int.from_bytes(sha512(mark[:32] + key[1:] + text).digest(), "little") % ORDER
    return bool(good) and times(s, point(BASE)) == add(r, times(k, a))

class Log:
    def __init__(self, keys):
        self.keys, self.hashes, self.place, self.fails, self.unsure = keys, [], "--key", [], []
        self.open, self.env, self.unread = set(), {}, False
    def check(self, holds, what):
        self.fails += [] if holds else ["%s, %s" % (what, self.place)]
    def read(self, *path):
        self.place = "/".join(path)
        with open(self.place, "rb") as file:
            return file.read(1 << 30)  # bytes; what is longer is cut, and does not verify
    def root_of(self, hashes):  # RFC 6962, 2.1, over the hashes of leaves or of full tiles
        pairs = [sha256(b"\1" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2])]
        rest = pairs + hashes[2 * len(pairs):] or [sha256(b"").digest()]
        return self.root_of(rest) if pairs else rest[0]
    def climb(self, index, size, value, path):  # RFC 6962, 2.1.1; b"" spoils a malformed proof
        if size <= 1 or not path:
            return value if (size, index, path) == (1, 0, []) else b""
        half = 1 << (size - 1).bit_length() - 1
        at, width = (index, half) if index < half else (index - half, size - half)
        near, far = self.climb(at, width, value, path[:-1]), path[-1]
        return sha256(b"\1" + (near + far if index < half else far + near)).digest()
    def checkpoint(self, note, found=()):
        text, origin, size, root, marks = re.fullmatch(CHECKPOINT, note.decode()).groups()
        logs, seen, where = [], [0], self.place
        for vkey in sorted({*self.keys, *found}):
            self.place = "%s, key %s" % (where, vkey)
            name, number, key = re.fullmatch(KEY, vkey).groups()
            key, mine = b64decode(key), re.findall(f"— {re.escape(name)} (.+)\n", marks)
            real = sha256(name.encode() + b"\n" + key).digest()[:4]
            mine = [mark[4:] for mark in map(b64decode, mine) if mark[:4] == real]
            true = [signed(key, text.encode(), mark) for mark in mine if real.hex() == number]
            self.check(true and all(true), "no true signature by this key")
            logs += [name] * (key[0] == 1)
            seen += [int.from_bytes(m[:8], "big") for m in mine if key[0] > 1 and vkey in self.keys]
            if vkey not in self.keys:
                self.check(name not in [own.split("+")[0] for own in self.keys], "a key that poses")
                self.unsure.append("whose key this is, for it came along: " + vkey)
        self.place, when = where, time.gmtime(min(max(seen), 1 << 37))
        self.check(origin in logs, "no key of the log " + origin)
        since = "after %Y-%m-%d %H:%M:%S UTC" if seen[1:] else "for no known witness cosigned"
        self.unsure.append("that there is no newer or other log, " + time.strftime(since, when))
        return int(size), b64decode(root)
    def event(self, leaf, index, place):
        self.place = "%s, event %s" % (place, index)
        event = json.loads(leaf.decode())
        v, seq, env, act, *call = map(event.get, "v seq env action run step call attempt".split())
        good = type(v) is int and 0 < v < 1 << 64 and spell(event) == leaf.decode()
        self.check(good, "not the one spelling of an event")
        self.check(repr(seq) == str(index), "another sequence number")
        self.check(v != 1 or env == self.env.setdefault("", env), "another environment")
        if v == 1 and act in ("call-intended", "call-answered"):
            key, answer = repr(call), act == "call-answered"
            self.check((key in self.open) == answer or answer and self.unread, "not one intent")
            (self.open.discard if answer else self.open.add)(key)
        if v == 1:
            known = fits(who := event.get("actor", {}), WHO.get(who.get("kind"), "-"))
            known &= fits({**event, "actor": ""}, COMMON + FIELDS.get(act, "-"))
            self.check(known, "not an event's fields")
        self.unread |= v != 1  # a newer version's, which may have been an intent
        self.hashes.append(sha256(b"\0" + leaf).digest())
    def proof(self, args, leaf=None, path=None, tree=None, note=None):
        self.unread |= not leaf  # all other events
        leaf = leaf or self.read(args.leaf or args.path + ".leaf")
        index, hashes, text = re.fullmatch(PROOF, self.read(path or args.path).decode()).groups()
        size, root = tree or self.checkpoint(text.encode())
        self.check(note in (None, text.encode()), "another checkpoint")
        self.event(leaf, index, path or args.path)
        found = self.climb(int(index), size, self.hashes[-1], [*map(b64decode, hashes.split())])
        self.check(found == root, "the proof does not lead from the event to the root")
    def export(self, args):
        self.place = args.path + ", header"
        with open(args.path, "rb") as file:
            pairs = json.loads(file.readline().decode(), object_pairs_hook=tuple)
            schema, note, vkeys = map(dict(pairs).get, ("schema", "checkpoint", "vkeys"))
            good = (type(pairs), len(pairs), type(vkeys), schema)
            self.check(good == (tuple, 3, list, "stepward.export/1"), "another schema")
            tree = self.checkpoint(note.encode(), vkeys)
            for index, line in enumerate(file):
                stated, leaf = re.fullmatch(rb"([0-9a-f]{64}) (.*)\n", line).groups()
                self.event(leaf, index, args.path)
                self.check(stated.decode() == self.hashes[-1].hex(), "not the hash before it")
        return tree
    def evidence(self, args):
        keys, leaves = [re.sub(rb"\n\Z", b"", self.read(args.path, name)).split(b"\n")
                        for name in ("keys.txt", "events.jsonl")]
        numbers, runs = zip(*[(e["seq"], e.get("run")) for e in map(json.loads, leaves)])
        self.check(numbers == (*sorted({*numbers}),), "events out of order")
        self.check(runs[0] and runs == runs[:1] * len(runs), "events of more than one run")
        tree = self.checkpoint(note := self.read(args.path, "checkpoint"), map(bytes.decode, keys))
        for leaf, number in zip(leaves, numbers):
            self.proof(args, leaf, "%s/proofs/%d.tlog-proof" % (args.path, number), tree, note)
        self.unsure.append("that the run has no other events")
    def tiles(self, args):
        tree = self.checkpoint(self.read(args.path, "checkpoint"))
        for first in range(0, tree[0], 256):
            data, at = self.tile(args.path, "entries", first, tree[0]), 0
            while at < len(data):
                end = at + 2 + int.from_bytes(data[at:at + 2], "big")
                self.event(data[at + 2:end], len(self.hashes), args.path)
                at = end
        row = self.hashes
        for level in "01234567":
            for first in range(0, len(row), 256):
                tile = self.tile(args.path, level, first, len(row))
                self.check(tile == b"".join(row[first:first + 256]), "not the hashes below it")
            row = [self.root_of(row[at:at + 256]) for at in range(0, len(row) - 255, 256)]
        return tree
    def tile(self, folder, level, first, size):
        number, width = str(first // 256), min(256, size - first)
        number = re.sub("...(?=.)", r"x\g<0>/", number.zfill(len(number) + -len(number) % 3))
        return self.read(folder, "tile", level, number + ".p/%d" % width * (width < 256))

def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("what", choices=["export", "proof", "evidence", "tiles"])
    parser.add_argument("path")
    parser.add_argument("--leaf")
    parser.add_argument("--key", action="append", default=[])
    args = parser.parse_args()
    log = Log(args.key)
    try:
        tree = getattr(log, args.what)(args)
        log.place = args.path + ", all events"
        log.check(tree in (None, (len(log.hashes), log.root_of(log.hashes))), "not the signed tree")
    except Exception as error:  # whatever hostile bytes lead to, they do not hold
        log.check(False, getattr(error, "strerror", "not in its format"))
    lines = ["FAILS " + what for what in log.fails] or ["HOLDS " + args.path]
    for line in lines + ["NOT ESTABLISHED: " + what for what in log.unsure]:
        print(ascii(line)[1:-1])
    raise SystemExit(bool(log.fails))

if __name__ == "__main__": main()
