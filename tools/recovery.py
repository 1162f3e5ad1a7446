#!/usr/bin/env python3
"""Measures how a onebox of its own recovers, and prints one JSON object for docs/performance.md.

recovery.py relearn   wipes the data of one replica server and lets it learn under client load
recovery.py restart   kills a server with many replicas, starts it again, then does so with all

The load comes at a fixed rate, so that the same work is asked for with and without learning.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

POLL_SECONDS = 0.02
SLICE_SECONDS = 2
IDLE_SLICES = 8
# Until what loading the table has left to do is done.
SETTLING_SLICES = 4
READ_KEYS = 20
# What a server logs for each checkpoint that it has fetched.
FETCHED = re.compile(r"checkpoint fetched .*total_bytes=(\d+)")


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

    def shell(self, *commands, check=True, timeout_ms=1000):
        arguments = [part for command in commands for part in ("-c", command)]
        result = subprocess.run(
            [self.program, "shell", "--meta", self.meta, "--json", "--timeout-ms", str(timeout_ms),
             *arguments],
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


class Load(threading.Thread):
    """The client load in short runs, one after the other, each with its time and its result."""

    def __init__(self, box, arguments):
        super().__init__()
        self.box = box
        self.command = [
            "--workload", "mixed", "--value-size", "1000", "--keys", str(arguments.records),
            "--connections", str(arguments.connections), "--rate", str(arguments.rate),
            "--warmup", "0", "--duration", str(SLICE_SECONDS),
        ]
        self.slices = []
        self.is_wanted = True

    def one(self):
        began = time.monotonic()
        result = self.box.bench(*self.command)
        self.slices.append((began, time.monotonic(), result))

    def run(self):
        while self.is_wanted:
            self.one()

    def stop(self):
        self.is_wanted = False
        self.join()

    def within(self, began, ended):
        """The results of the runs that lie wholly in a stretch of time."""
        return [result for first, last, result in self.slices if began <= first and last <= ended]


def summary(results):
    """Medians of short runs. None of them is empty: the first one is always whole."""
    def median(read):
        return round(statistics.median(read(result) for result in results), 1)

    return {
        "slices": len(results),
        "operations_per_second": median(lambda result: result["operations_per_second"]),
        "failures": sum(result["failures"] for result in results),
        "p50_us": median(lambda result: result["latency_us"]["p50"]),
        "p99_us": median(lambda result: result["latency_us"]["p99"]),
        "p99_us_of_slices": [result["latency_us"]["p99"] for result in results],
        "max_us": max(result["latency_us"]["max"] for result in results),
    }


def idle(box, arguments):
    load = Load(box, arguments)
    for _ in range(IDLE_SLICES):
        load.one()
    return [result for _, _, result in load.slices]


def fetched_bytes(server):
    """What a server has fetched, by its log."""
    with open(os.path.join(server["log"], "replica.log"), encoding="utf-8") as log:
        return sum(int(found.group(1)) for found in map(FETCHED.search, log) if found)


def limit_copying(server, megabytes):
    """Sets the rate at which a server that has just been started learns."""
    url = f"http://{server['address']}/updateConfig?nfs.max_copy_rate_megabytes_per_disk={megabytes}"
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return say(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_SECONDS)


def relearn(box, arguments):
    say(f"loading {arguments.records} records of 1,000 bytes")
    box.bench("--load", "--workload", "get", "--connections", "50", "--value-size", "1000",
              "--keys", str(arguments.records), "--duration", "1")
    settling = Load(box, arguments)
    for _ in range(SETTLING_SLICES):
        settling.one()
    before = idle(box, arguments)
    say(f"idle: {summary(before)}")
    name, server = next(iter(box.servers.items()))
    partitions = box.healthy_partitions("temp")
    stored = directory_bytes(os.path.join(server["dir"], "data", "reps"))
    box.onebox("kill", name)
    box.wait_until_unhealthy("temp", partitions)
    shutil.rmtree(os.path.join(server["dir"], "data"))
    say(f"wiped {name}: {stored >> 20} MiB")
    load = Load(box, arguments)
    began = time.monotonic()
    box.onebox("start-node", name)
    load.start()
    if arguments.copy_rate is not None:
        limit_copying(server, arguments.copy_rate)
    box.wait_until_healthy("temp", partitions)
    ended = time.monotonic()
    load.stop()
    learning = load.within(began, ended)
    say(f"learning: {summary(learning)}")
    after = idle(box, arguments)
    fetched = fetched_bytes(server)
    quiet = summary(before + after)
    return {
        "rate": arguments.rate,
        "user_bytes": arguments.records * 1000,
        "bytes_on_disk": stored,
        "bytes_fetched": fetched,
        "seconds_to_full_membership": round(ended - began, 2),
        "fetched_megabytes_per_second": round(fetched / 1e6 / (ended - began), 1),
        "p99_ratio": round(summary(learning)["p99_us"] / quiet["p99_us"], 2),
        "idle_before": summary(before),
        "idle_after": summary(after),
        "learning": summary(learning),
    }


def seconds_until_listening(server, began):
    host, port = server["address"].split(":")
    while True:
        with socket.socket() as connection:
            if connection.connect_ex((host, int(port))) == 0:
                return round(time.monotonic() - began, 3)
        time.sleep(POLL_SECONDS)


def seconds_until_read(box, table, keys, began):
    while box.shell(f"use {table}", *(f"get {key} s" for key in keys), check=False) is None:
        pass  # The shell takes its time by itself.
    return round(time.monotonic() - began, 3)


def restart(box, arguments):
    tables = {f"many{count}": count for count in arguments.partitions}
    for table, count in tables.items():
        box.shell(f"create {table} -p {count} -r 3", timeout_ms=120_000)
    tables["temp"] = box.healthy_partitions("temp")
    for table, count in tables.items():
        box.wait_until_healthy(table, count)
    keys = [f"key{number}" for number in range(READ_KEYS)]
    read = next(iter(tables))
    box.shell(f"use {read}", *(f"set {key} s v" for key in keys))
    results = {"replicas_per_server": sum(tables.values())}
    name = next(iter(box.servers))
    for label, victims in (("one_server", [name]), ("all_servers", list(box.servers))):
        for victim in victims:
            box.onebox("kill", victim)
        began = time.monotonic()
        for victim in victims:
            box.onebox("start-node", victim)
        with ThreadPoolExecutor() as threads:
            listens = [threads.submit(seconds_until_listening, box.servers[victim], began)
                       for victim in victims]
            first = threads.submit(seconds_until_read, box, read, keys[:1], began)
            every = threads.submit(seconds_until_read, box, read, keys, began)
        results[label] = {
            "seconds_to_listen": max(listen.result() for listen in listens),
            "seconds_to_first_read": first.result(),
            f"seconds_to_{READ_KEYS}_reads": every.result(),
        }
        for table, count in tables.items():
            box.wait_until_healthy(table, count)
        results[label]["seconds_to_full_membership"] = round(time.monotonic() - began, 3)
        say(f"{label}: {results[label]}")
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", choices=["relearn", "restart"])
    parser.add_argument("--pegasus", default="target/release/pegasus")
    parser.add_argument("--durability", default="fsync", choices=["fsync", "os"])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=int, default=1_000, help="operations per second")
    parser.add_argument("--copy-rate", type=int,
                        help="MiB per second that the learner may copy, if not the default")
    parser.add_argument("--partitions", type=int, nargs="+", default=[128, 64],
                        help="of each table, beside the 8 of table temp")
    arguments = parser.parse_args()
    box = Onebox(os.path.abspath(arguments.pegasus), arguments.durability)
    try:
        experiment = {"relearn": relearn, "restart": restart}[arguments.experiment]
        print(json.dumps(experiment(box, arguments), indent=2))
    finally:
        box.close()


if __name__ == "__main__":
    main()
