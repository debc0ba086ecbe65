#!/usr/bin/env python3
"""Compares how long files take that a key service opens, or one that a key of the host opens as well. Prints tables. As root, on Linux; needs sops,
local-kms, unshare, ip and the certificates of authorities of the host.

    benches/key-services.py PROGRAM HELPER [PART…]      builds of sops-install-secrets and sops-key-services

SOPS_NIX_PROGRAM names the installer of sops-nix, which then runs side by side. The parts, all by default:

    near        twenty files of one key of AWS KMS, which local-kms plays, 20 ms away
    at-hand     a file that an age key opens, with and without entries of services
    dead        networks in which nothing answers, for each service; minutes, in which everything waits
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "tests" / "fixtures"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
OTHER = os.environ.get("SOPS_NIX_PROGRAM")
AGE = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u"
ARN = "arn:aws:kms:eu-west-1:111122223333:key/bc436485-5092-42b8-92a3-0aa8b93536dc"
SEED = """Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: bc436485-5092-42b8-92a3-0aa8b93536dc
        BackingKeys:
          - 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9
"""
DELAY = 0.020
NEAR_ROUNDS = 15
AT_HAND_ROUNDS = 400
MODES = {
    "down": "no network",
    "syn": "connections are swallowed",
    "mute": "nobody answers on a connection",
    "dns": "no name server answers",
}
# The entries of the services, and what identifies the host to them.
CREATED = {"created_at": "2026-01-01T00:00:00Z"}
SERVICES = {
    "AWS KMS": ("kms", {"arn": ARN, "enc": "AQIC", "aws_profile": ""}),
    "Google Cloud KMS": ("gcp_kms", {"resource_id": "projects/p/locations/global/keyRings/r/cryptoKeys/k", "enc": "AQIC"}),
    "Azure Key Vault": ("azure_kv", {"vault_url": "https://myvault.vault.azure.net", "name": "k", "version": "0123456789abcdef0123456789abcdef", "enc": "AQIC"}),
    "Huawei Cloud KMS": ("hckms", {"key_id": "cn-north-4:0d0466b0-e727-4d9c-b35d-f84bb474a37f", "enc": "AQIC"}),
    "Vault": ("hc_vault", {"vault_address": "https://vault.example.com:8200", "engine_path": "transit", "key_name": "k", "enc": "vault:v1:AQIC"}),
}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "half",
    "GOOGLE_OAUTH_ACCESS_TOKEN": "token",
    "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_CLIENT_ID": "66666666-7777-8888-9999-aaaaaaaaaaaa",
    "AZURE_CLIENT_SECRET": "secret",
    "HUAWEICLOUD_SDK_AK": "HPUA0123456789ABCDEF",
    "HUAWEICLOUD_SDK_SK": "half",
    "HUAWEICLOUD_SDK_PROJECT_ID": "0123456789abcdef0123456789abcdef",
    "VAULT_TOKEN": "hvs.token",
    "SSL_CERT_FILE": AUTHORITIES,
}
HOSTS = """127.0.0.1 localhost kms.eu-west-1.amazonaws.com cloudkms.googleapis.com oauth2.googleapis.com myvault.vault.azure.net
127.0.0.1 login.microsoftonline.com kms.cn-north-4.myhuaweicloud.com iam.cn-north-4.myhuaweicloud.com vault.example.com
169.254.169.254 metadata.google.internal
"""


class Host:
    """A host in a directory: its programs, its files, and what identifies it."""

    def __init__(self, directory: pathlib.Path, program: str, helper: str, variables: dict[str, str]):
        self.directory, self.program, self.helper = directory, program, helper
        self.variables = {"PATH": os.environ["PATH"], "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory), **variables}

    def manifest(self, name: str, files: list[pathlib.Path], key: str) -> pathlib.Path:
        """A manifest for both programs. `key`: a file with an age identity, or empty."""
        place = self.directory / name
        place.mkdir()
        secrets = [
            {"name": f"s{number}", "key": "a", "path": str(place / f"secrets/s{number}"), "sopsFile": str(file), "format": "json", "mode": "0400"}
            for number, file in enumerate(files)
        ]
        path = place / "manifest.json"
        path.write_text(json.dumps({
            "version": 1, "secrets": secrets, "templates": [], "placeholderBySecretName": {}, "ageKeyFile": key, "ageSshKeyPaths": [], "sshKeyPaths": [],
            "gnupgHome": "", "keepGenerations": 1, "userMode": True, "logging": {"keyImport": False, "secretChanges": False},
            "secretsMountPoint": str(place / "secrets.d"), "symlinkPath": str(place / "secrets"),
            "keyServices": {"program": self.helper, "allowedEndpoints": ["https://vault.example.com:8200"], "addresses": []},
        }))
        return path

    def seconds(self, program: str, manifest: pathlib.Path, is_good: bool = True) -> float:
        """How long a run on an empty place takes. `is_good`: whether it should succeed."""
        for name in ("secrets", "secrets.d"):
            path = manifest.with_name(name)
            path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
        start = time.perf_counter()
        done = subprocess.run([program, manifest], env=self.variables, capture_output=True, text=True)
        end = time.perf_counter()
        if (done.returncode == 0) != is_good:
            sys.exit(f"{program} {manifest}: {done.returncode}\n{done.stderr}")
        return end - start


def encrypted(path: pathlib.Path, options: list[str], variables: dict[str, str]) -> dict:
    """What the real sops makes of one value."""
    path.write_text('{"a": "one"}\n')
    subprocess.run(["sops", "encrypt", "--in-place", *options, path], check=True, env={**os.environ, **variables, "SOPS_DISABLE_VERSION_CHECK": "1"})
    return json.loads(path.read_text())


def with_entries(path: pathlib.Path, file: dict, services: list[str], has_age: bool) -> pathlib.Path:
    """The same file with entries of these services, which nobody could open."""
    metadata = dict(file["sops"])
    if not has_age:
        metadata["age"] = None
    for service in services:
        kind, entry = SERVICES[service]
        metadata[kind] = [{**entry, **CREATED}]
    path.write_text(json.dumps({**file, "sops": metadata}))
    return path


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def table(*heads: str) -> None:
    print()
    row(*heads)
    row("---", *["---:"] * (len(heads) - 1))


class Away:
    """A server at `port` of this host as if it were `DELAY` away: each piece that a client sends gets there so much later. Counts what is asked."""

    def __init__(self, port: int):
        self.port, self.asked, self.lock = port, 0, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.create_connection(("127.0.0.1", self.port))
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.copy, args=(client, server, DELAY), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, 0), daemon=True).start()

    def copy(self, source: socket.socket, target: socket.socket, delay: float) -> None:
        try:
            while piece := source.recv(65536):
                if delay:
                    time.sleep(delay)
                    with self.lock:
                        self.asked += piece.count(b"POST ")
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def near(directory: pathlib.Path, program: str, helper: str) -> None:
    (directory / "seed.yaml").write_text(SEED)
    variables = {"KMS_ACCOUNT_ID": "111122223333", "KMS_REGION": "eu-west-1", "PORT": "5578", "KMS_SEED_PATH": str(directory / "seed.yaml"), "KMS_DATA_PATH": str(directory)}
    kms = subprocess.Popen(["local-kms"], env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not is_open(5578):
            time.sleep(0.05)
        away = Away(5578)
        here = {**CREDENTIALS, "AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:5578"}
        for number in range(20):
            encrypted(directory / f"{number}.json", ["--kms", ARN], here)
        host = Host(directory, program, helper, {**CREDENTIALS, "AWS_ENDPOINT_URL_KMS": away.url})
        manifest = host.manifest("near", [directory / f"{number}.json" for number in range(20)], "")
        table("twenty files of one key, 20 ms away", "time", "requests", "times ours")
        programs = {"ours": program} | ({"the installer of sops-nix": OTHER} if OTHER else {})
        times = {name: [] for name in programs}
        asked = {}
        for _ in range(NEAR_ROUNDS):
            for name, of in programs.items():
                away.asked = 0
                times[name].append(host.seconds(of, manifest))
                asked[name] = away.asked
        for name in programs:
            ratio = statistics.median(time / own for time, own in zip(times[name], times["ours"]))
            row(name, f"{1000 * statistics.median(times[name]):.0f} ms", asked[name], f"{ratio:.1f}")
    finally:
        kms.kill()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def at_hand(directory: pathlib.Path, program: str, helper: str) -> None:
    file = encrypted(directory / "age.json", ["--age", AGE], {})
    host = Host(directory, program, helper, CREDENTIALS)
    cases = {"none": [], **{name: [name] for name in SERVICES}, "all of them": list(SERVICES)}
    key = str(FIXTURES / "keys/age.txt")
    manifests = [
        host.manifest(f"m{number}", [with_entries(directory / f"{number}.json", file, services, True)], key)
        for number, services in enumerate(cases.values())
    ]
    times = [[] for _ in cases]
    for _ in range(AT_HAND_ROUNDS):
        for place, manifest in enumerate(manifests):
            times[place].append(host.seconds(program, manifest))
    table("entries beside that of the age key", "time", "times that without")
    for name, own in zip(cases, times):
        ratio = statistics.median(time / other for time, other in zip(own, times[0]))
        row(name, f"{1000 * statistics.median(own):.2f} ms", f"{ratio:.3f}")


def kill_network(mode: str) -> None:
    """Makes the network and the names of this namespace those of `mode`."""
    with open("hosts", "w") as hosts, open("resolv.conf", "w") as names:
        hosts.write(HOSTS if mode in ("syn", "mute") else "127.0.0.1 localhost\n")
        names.write(f"nameserver {'10.9.9.53' if mode == 'down' else '127.0.0.53'}\n")
    for name in ("hosts", "resolv.conf"):
        subprocess.run(["mount", "--bind", name, f"/etc/{name}"], check=True)
    if mode == "down":
        return
    subprocess.run(["ip", "addr", "add", "169.254.169.254/32", "dev", "lo"], check=True)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.53", 53))
    kept.append(silent)
    for port in (80, 443, 8200):
        listener = socket.create_server(("0.0.0.0", port), backlog=0 if mode == "syn" else 128)
        kept.append(listener)
        for _ in range(3 if mode == "syn" else 0):
            # They fill the queue, so that no further connection comes about.
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            kept.append(client)
        if mode != "syn":
            threading.Thread(target=hold, args=(listener,), daemon=True).start()


# What has to stay open.
kept = []


def hold(listener: socket.socket) -> None:
    while True:
        kept.append(listener.accept()[0])


def dead_case(mode: str, service: str, program: str, helper: str) -> None:
    """In a namespace of its own and a directory of its own: runs both programs on a file of `service` alone, and on one that an age key opens."""
    kill_network(mode)
    directory = pathlib.Path.cwd()
    file = encrypted(directory / "age.json", ["--age", AGE], {})
    host = Host(directory, program, helper, CREDENTIALS)
    key = str(FIXTURES / "keys/age.txt")
    runs = {}
    for whose, of in {"ours": program, "other": OTHER}.items():
        for has_age in (False, True):
            name = f"{whose} {has_age}"
            path = with_entries(directory / f"{name}.json", file, [service], has_age)
            runs[name] = (of, host.manifest(name, [path], key if has_age else ""), has_age)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        times = {name: pool.submit(host.seconds, *run) for name, run in runs.items() if run[0]}
    print(json.dumps({name: time.result() for name, time in times.items()}))


def dead(directory: pathlib.Path, program: str, helper: str) -> None:
    def case(number: int, mode: str, service: str) -> dict:
        place = directory / str(number)
        place.mkdir()
        time.sleep(number / 2)
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", 'ip link set lo up && mount --make-rprivate / && exec "$@"', "sh"]
        done = subprocess.run([*command, sys.executable, __file__, program, helper, "dead", mode, service], cwd=place, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    cases = [(mode, service) for service in SERVICES for mode in MODES]
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        results = {of: pool.submit(case, number, *of) for number, of in enumerate(cases)}
    table("service", "network", "ours", "the installer of sops-nix", "ours, an age key at hand", "the other, an age key at hand")
    for mode, service in cases:
        times = results[mode, service].result()

        def shown(name: str, unit: str) -> str:
            time = times.get(name)
            return "" if time is None else f"{1000 * time:.0f} ms" if unit == "ms" else f"{time:.1f} s"

        row(service, MODES[mode], shown("ours False", "s"), shown("other False", "s"), shown("ours True", "ms"), shown("other True", "s"))


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    program, helper = map(os.path.abspath, sys.argv[1:3])
    match sys.argv[3:]:
        case ["dead", mode, service]:
            return dead_case(mode, service, program, helper)
        case []:
            parts = ["near", "at-hand", "dead"]
        case parts:
            pass
    if "near" in parts and "IN_OWN_NETWORK" not in os.environ:
        # local-kms listens on all addresses.
        inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, __file__, program, helper, "near"]
        subprocess.run(inside, check=True, env={**os.environ, "IN_OWN_NETWORK": "1"})
        parts = [part for part in parts if part != "near"]
    for part in parts:
        with tempfile.TemporaryDirectory() as directory:
            {"near": near, "at-hand": at_hand, "dead": dead}[part](pathlib.Path(directory), program, helper)


if __name__ == "__main__":
    main()
