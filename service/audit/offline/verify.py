#!/usr/bin/env python3
"""Checks an evidence bundle on any machine with Python 3.11: python3 verify.py BUNDLE.zip [--key HEX]

Needs nothing but Python's standard library, and is short so that it can be read before it is run. Exit code 0:
everything holds; 1: something does not; 2: wrong usage, or no such file. --key is Baton's public key, kept elsewhere.
"""

import base64, hashlib, json, struct, sys, tomllib, zipfile
UNBOUND = ("manifest.json", "log.json")  # what the log cannot commit to, since they are made of it
BAD = (ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, TypeError)
BAD = (*BAD, ValueError, struct.error, zipfile.BadZipFile)
def sha256(data): return hashlib.sha256(data).digest()
def canonical(plain):
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
def need(true, text):
    if not true: raise ValueError(text)
def count(n, one): return f"{n} {one}{'' if n == 1 else 's'}"
def entries(n): return f"{n} {'entry' if n == 1 else 'entries'}"
# -- RFC 9162, 2.1.3.2 and 2.1.4.2: is a leaf in the log, and did the log only grow? -------------------------
def climb(at, last, old, new, proof):
    """The roots that a proof leads to: of the earlier log (where `old` is given) and of the later one."""
    for beside in proof:
        if last == 0:
            return None, None
        if at & 1 or at == last:
            old, new = old and sha256(b"\x01" + beside + old), sha256(b"\x01" + beside + new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + beside)
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else (None, None)
def only_grew(earlier, earlier_root, size, root, proof):
    if earlier == size:
        return not proof and earlier_root == root
    way = ([earlier_root] if earlier & (earlier - 1) == 0 else []) + list(proof)
    at, last = earlier - 1, size - 1
    while at > 0 and at & 1:
        at, last = at >> 1, last >> 1
    found = climb(at, last, way[0], way[0], way[1:]) if way and 0 < earlier < size else None
    return found == (earlier_root, root)
# -- RFC 8032: does a signature hold? (slow and plain; nothing secret is handled here) ------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        q = add(q, p) if n & 1 else q
        p, n = add(p, p), n >> 1
    return q
def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * I % P
    need(y < P and x * x % P == xx and not (x == 0 and sign), "no point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P
BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
def signed(key, text, signature):
    try:
        a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    except ValueError:
        return False
    if s >= L or len(signature) != 64 or len(key) != 32:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P

# -- the bundle -----------------------------------------------------------------------------------------------
def unhex(*texts):
    need(list(texts) == [bytes.fromhex(text).hex() for text in texts], "a number is not in its one form")
    return [bytes.fromhex(text) for text in texts]
def by_id(keys): return {sha256(key).hex()[:16]: key for key in unhex(*keys)}
def checkpoint(text, keys):
    """Size, root and instant of a checkpoint, whose signature is checked."""
    lines = text.split("\n")
    need(len(lines) == 7 and lines[4] == lines[6] == "", "a checkpoint is none")
    _, key_id, coded = lines[5].split(" ")
    need(key_id in keys, f"a checkpoint is signed with key {key_id}, which is not the one to believe")
    root, signature = base64.b64decode(lines[2]), base64.b64decode(coded)
    holds = signed(keys[key_id], "\n".join([*lines[:4], ""]).encode(), signature)
    same = text.endswith(f"\n\n\u2014 {key_id} {base64.b64encode(signature).decode()}\n")
    need(holds and same, "a checkpoint's signature does not hold")
    return int(lines[1]), root, lines[3].removeprefix("time ")
def read(bundle):
    """Every file by name. Files are stored as they are, so nothing inside can be larger than the bundle."""
    listed = bundle.infolist()
    bundle.fp.seek(0, 2)
    need(all(i.compress_type == 0 for i in listed), "a file in the bundle is compressed")
    need(sum(i.file_size for i in listed) <= bundle.fp.tell(), "the bundle says it holds more than it can")
    need(len({i.filename for i in listed}) == len(listed), "the bundle holds a file twice")
    return {i.filename: bundle.read(i) for i in listed}

def check(files, given):
    manifest, log = (json.loads(files[name]) for name in UNBOUND)
    same = [canonical(plain) for plain in (manifest, log)] == [files[name] for name in UNBOUND]
    need(same, "manifest.json or log.json is not in its one form")
    need(manifest["form"] == "baton-bundle/1", "this is another form of bundle; take the verify.py of its version")
    digests = {name: sha256(data).hex() for name, data in files.items() if name != "manifest.json"}
    for name in sorted({*manifest["files"], *digests}):
        need(manifest["files"].get(name) == digests.get(name), f"{name} is not as the manifest says")
    def of(folder):
        return {n.split("/")[1].split(".")[0]: files[n] for n in files if n.startswith(folder + "/")}
    messages, facts, decisions = of("messages"), of("facts"), {i: json.loads(d) for i, d in of("decisions").items()}
    for name, data in [one for kind in ("messages", "facts", "decisions", "mappings") for one in of(kind).items()]:
        need(sha256(data).hex() == name, f"{name[:16]} has other bytes than its number says")
    for name, data in of("policies").items():
        tables = {pack: tomllib.loads(text) for pack, text in json.loads(data).items()}
        need(sha256(canonical(tables)).hex() == name, f"policy {name[:16]} is another one than its number says")
    keys = given or by_id(log["keys"])
    size, root, made_at = checkpoint(log["checkpoint"], keys)
    for earlier in log["earlier"]:
        before, old, at = checkpoint(earlier["checkpoint"], keys)
        grew = only_grew(before, old, size, root, unhex(*earlier["proof"]))
        need(grew, f"the log did not only grow since its {entries(before)} of {at}")
    known = {account: set() for account in (manifest["account"], *manifest["joined"])}
    texts = {log["checkpoint"], *(earlier["checkpoint"] for earlier in log["earlier"])}
    named, cited, stamped, before, disclosed = set(), set(), set(), 0, None
    for entry in log["entries"]:
        seq, said, account = entry["seq"], json.loads(entry["content"]), entry["subject"]
        need(before < seq <= size, f"entry {seq} is not in order")
        commitment = sha256(unhex(entry["salt"])[0] + f"{account}\n{entry['content']}".encode())
        need(commitment.hex() == entry["commitment"], f"what entry {seq} says is not what it committed to")
        leaf = f"baton/audit/1\n{seq}\n{entry['recorded_at']}\n{entry['kind']}\n{entry['commitment']}\n"
        found = climb(seq - 1, size - 1, None, sha256(b"\x00" + leaf.encode()), unhex(*entry["proof"]))
        need(found[1] == root, f"entry {seq} is not in the signed log")
        told = sha256(canonical(entry["rows"])).hex() == said.get("rows", sha256(b"null").hex())
        need(told, f"the rows that entry {seq} names are others than it is a digest over")
        before, disclosed = seq, said if entry["kind"] == "account.disclosed" else disclosed
        cited.update((account, said.get("to")))  # of a message's own entry its number; of a mapping's, its version
        if entry["kind"] == "stamp.kept":
            text, stamp = said["checkpoint"], base64.b64decode(said["answer"])
            kept = [files.get(f"stamps/{seq}.{end}") for end in ("txt", "tsr")] == [text.encode(), stamp]
            need(kept and text in texts, f"the time stamp of entry {seq} is not as it was kept")
            need(sha256(text.encode()) in stamp, f"the time stamp of entry {seq} is of another checkpoint")
            stamped.add(str(seq))
        if entry["kind"] != "account.decided":
            continue
        known[account].update(said["facts"])
        cited.update(m.split("@")[0] for m in said["messages"])
        for id in said["decisions"]:
            need(id in decisions, f"decision {id[:16]}, which entry {seq} names, is missing")
            check_decision(id, decisions[id], account, files, known, manifest["rests_on"].get(id))
            named.add(id)
    need(set().union(*known.values()) == set(facts), "a fact is missing, or one too many")
    need(named == set(decisions), "a decision is in no entry of the log")
    need(stamped == set(of("stamps")), "a time stamp is missing, or one too many")
    need(cited >= {*messages, *of("mappings")}, "a message or a mapping is in no entry of the log")
    need(set(manifest.get("read_by", {}).values()) <= set(of("mappings")), "a mapping that read a message is missing")
    bound = {name: digest for name, digest in digests.items() if name not in UNBOUND}
    need(disclosed is not None, "no entry of the log says that this bundle was made")
    need([e["seq"] for e in log["entries"][:-1]] == disclosed["entries"], "entries are left out, or put in")
    need(disclosed["files_sha256"] == sha256(canonical(bound)).hex(), "the files are not those that were disclosed")
    for name in set(disclosed) - {"files_sha256"}:
        need(manifest[name] == disclosed[name], f"the manifest says another {name} than the log")
    found = f"{count(len(facts), 'fact')}, {count(len(decisions), 'decision')}, {entries(len(log['entries']))}"
    found += f", {count(len(stamped), 'time stamp')} (`openssl ts -verify` tells whose)" if stamped else ""
    return f"account {manifest['account']}: {found} of a signed log of {entries(size)}, that only grew, of {made_at}"

def check_decision(id, decision, account, files, known, rests_on):
    """Whether a decision is of its account, adds up, and rests on the facts and the policy that were known."""
    need("/".join(decision["account"]) == account, f"decision {id[:16]} is of another account")
    need(f"policies/{decision['policy']['sha256']}.json" in files, f"the policy of decision {id[:16]} is missing")
    owes = decision["responsibility"]
    shares = sum(share["amount_cents"] for share in owes.get("shares", []))
    need(shares == owes["balance_cents"], f"the shares of decision {id[:16]} are not its balance")
    facts = known[account] if rests_on is None else set(rests_on)
    digest = sha256(canonical(sorted(facts))).hex()
    need(facts <= set().union(*known.values()), f"decision {id[:16]} rests on facts that were not known")
    need(decision["facts_sha256"] == digest, f"decision {id[:16]} rests on other facts than were known")

def main(arguments):
    key = arguments[2] if len(arguments) == 3 and arguments[1] == "--key" else ""
    if len(arguments) != (3 if key else 1) or (key and (len(key) != 64 or set(key) - set("0123456789abcdef"))):
        return print(__doc__) or 2
    try:
        with open(arguments[0], "rb") as opened, zipfile.ZipFile(opened) as bundle:
            print("HOLDS:", check(read(bundle), by_id([key] if key else [])))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        return print(f"cannot read {arguments[0]}: {error.strerror}") or 2
    except BAD as error:
        print("DOES NOT HOLD:", error if type(error) is ValueError else f"malformed ({type(error).__name__})")
        return 1
    if not key:
        print("The key believed is the bundle's own; give --key with the one kept elsewhere to rule out a false log.")
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
