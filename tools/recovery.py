#!/usr/bin/env python3
"""Measures how a onebox of its own recovers, and prints one JSON object for docs/performance.md.

recovery.py relearn   wipes the data of one replica server and lets it learn under client load
recovery.py restart   kills a server with many replicas, starts it again, then does so with all
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

POLL_SECONDS = 0.02


def say(text):
    print(text, file=sys.stderr, flush=True)


class Onebox:
    """A local cluster with three replica servers in a directory of its own."""

    def __init__(self, program, durability):
        self.program = program
        self.home = tempfile.mkdtemp(prefix="pegasus-recovery-")
        self.directory = os.path.join(self.home, "cluster")
        self.onebox("start", "--base-port", "0", "--durability", durability)
        nodes = json.loads(self.onebox("status", "--json"))
        self.meta = ",".join(node["address"] for node in nodes if node["role"] == "meta")
        self.servers = {node["name"]: node for node in nodes if node["role"] == "replica"}

    def onebox(self, *arguments):
        command = [self.program, "onebox", *arguments, "--dir", self.directory]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def shell(self, *commands, check=True):
        arguments = [part for command in commands for part in ("-c", command)]
        result = subprocess.run(
            [self.program, "shell", "--meta", self.meta, "--json", "--timeout-ms", "1000", *arguments],
            check=check, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        return result.stdout if result.returncode == 0 else None

    def table(self, name):
        return json.loads(self.shell(f"app {name} -d"))

    def healthy_partitions(self, name):
        return int(self.table(name)["healthy"]["fully_healthy_partition_count"])

    def wait_until_healthy(self, name, partitions):
        while self.healthy_partitions(name) != partitions:
            time.sleep(POLL_SECONDS)

    def wait_until_unhealthy(self, name, partitions):
        while self.healthy_partitions(name) == partitions:
            time.sleep(POLL_SECONDS)

    def bench(self, *arguments):
        command = [self.program, "bench", "--json", "--meta", self.meta, *arguments]
        output = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ).stdout
        return json.loads(output)

    def close(self):
        self.onebox("clear")
        shutil.rmtree(self.home, ignore_errors=True)


def directory_bytes(path):
    total = 0
    for parent, _, files in os.walk(path):
        for name in files:
            try:
                total += os.stat(os.path.join(parent, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # Compaction removes files while they are counted.
    return total


def load_slice(box, arguments):
    """p99 in microseconds and throughput of one short run of the client load."""
    result = box.bench(
        "--workload", "mixed", "--connections", str(arguments.connections), "--warmup", "0",
        "--value-size", "1000", "--keys", str(arguments.records), "--duration", "2",
    )
    return result["latency_us"]["p99"], result["operations_per_second"], result["failures"]


def relearn(box, arguments):
    say(f"loading {arguments.records} records of 1,000 bytes")
    box.bench("--load", "--workload", "get", "--connections", "50", "--value-size", "1000",
              "--keys", str(arguments.records), "--duration", "1")
    idle = [load_slice(box, arguments) for _ in range(6)]
    name, server = next(iter(box.servers.items()))
    partitions = box.healthy_partitions("temp")
    replicas = os.path.join(server["dir"], "data")
    stored = directory_bytes(replicas if os.path.isdir(replicas) else server["dir"])
    box.onebox("kill", name)
    box.wait_until_unhealthy("temp", partitions)
    for entry in os.listdir(server["dir"]):
        if entry.startswith("data"):
            shutil.rmtree(os.path.join(server["dir"], entry))
    say(f"wiped {name}: {stored >> 20} MiB")
    began = time.monotonic()
    box.onebox("start-node", name)
    during = []
    while box.healthy_partitions("temp") != partitions:
        during.append(load_slice(box, arguments))
    seconds = time.monotonic() - began
    p99 = {"idle": statistics.median(run[0] for run in idle),
           "learning": statistics.median(run[0] for run in during)}
    return {
        "bytes_on_disk": stored,
        "user_bytes": arguments.records * 1000,
        "seconds_to_full_membership": round(seconds, 2),
        "user_megabytes_per_second": round(arguments.records * 1000 / 1e6 / seconds, 1),
        "p99_us_idle": p99["idle"],
        "p99_us_learning": p99["learning"],
        "p99_ratio": round(p99["learning"] / p99["idle"], 2),
        "operations_per_second_idle": statistics.median(run[1] for run in idle),
        "operations_per_second_learning": statistics.median(run[1] for run in during),
        "failures_while_learning": sum(run[2] for run in during),
        "slices_while_learning": len(during),
    }


def first_read(box, keys, began):
    """Seconds until every one of these keys has been read."""
    for key in keys:
        while box.shell("use many", f"get {key} s", check=False) is None:
            time.sleep(POLL_SECONDS)
    return round(time.monotonic() - began, 3)


def restart(box, arguments):
    partitions = arguments.partitions
    box.shell(f"create many -p {partitions} -r 3")
    box.wait_until_healthy("many", partitions)
    keys = [f"key{number}" for number in range(20)]
    box.shell("use many", *(f"set {key} s v" for key in keys))
    results = {}
    name = next(iter(box.servers))
    for label, victims in (("one_server", [name]), ("all_servers", list(box.servers))):
        for victim in victims:
            box.onebox("kill", victim)
        began = time.monotonic()
        for victim in victims:
            box.onebox("start-node", victim)
        started = round(time.monotonic() - began, 3)
        read = first_read(box, keys, began)
        box.wait_until_healthy("many", partitions)
        results[label] = {
            "replicas_per_server": partitions,
            "seconds_to_start": started,
            "seconds_to_read_all_keys": read,
            "seconds_to_full_membership": round(time.monotonic() - began, 3),
        }
        say(f"{label}: {results[label]}")
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", choices=["relearn", "restart"])
    parser.add_argument("--pegasus", default="target/release/pegasus")
    parser.add_argument("--durability", default="fsync", choices=["fsync", "os"])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--partitions", type=int, default=200)
    arguments = parser.parse_args()
    box = Onebox(os.path.abspath(arguments.pegasus), arguments.durability)
    try:
        experiment = {"relearn": relearn, "restart": restart}[arguments.experiment]
        print(json.dumps(experiment(box, arguments), indent=2))
    finally:
        box.close()


if __name__ == "__main__":
    main()
