#!/usr/bin/env python3
"""Measures put and get on oneboxes of its own, beside Redis in the same run, and prints Markdown
tables for docs/performance.md.

What counts on one machine is the CPU time per operation over all server processes: the load generator
takes its share of the same cores. Runs are interleaved, so that a slow minute of the machine hits
every system alike.
"""

import argparse
import csv
import io
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
REDIS_PROBE_REQUESTS = 2000


def say(text):
    print(text, file=sys.stderr, flush=True)


def cpu_seconds(pids):
    """User and system time of processes so far."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            # The command name in parentheses may hold anything; fields 14 and 15 are counted from 1.
            fields = file.read().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS_PER_SECOND


class Pegasus:
    """A onebox with one durability mode."""

    def __init__(self, program, durability):
        self.name = f"pegasus, {durability}"
        self.program = program
        self.directory = tempfile.mkdtemp(prefix="pegasus-bench-")
        self.onebox("start", "--base-port", "0", "--durability", durability)
        nodes = json.loads(self.onebox("status", "--json"))
        self.pids = [node["pid"] for node in nodes]
        self.meta = ",".join(node["address"] for node in nodes if node["role"] == "meta")

    def onebox(self, *arguments):
        directory = os.path.join(self.directory, "cluster")
        command = [self.program, "onebox", *arguments, "--dir", directory]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def bench(self, *arguments):
        command = [self.program, "bench", "--json", "--meta", self.meta, *arguments]
        output = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ).stdout
        return json.loads(output)

    def prepare(self, value_size, keys):
        self.bench("--load", "--workload", "get", "--connections", "50", "--duration", "1",
                   "--value-size", str(value_size), "--keys", str(keys))

    def measure(self, workload, connections, value_size, keys, seconds):
        before = cpu_seconds(self.pids)
        result = self.bench(
            "--workload", workload, "--connections", str(connections), "--warmup", "0",
            "--value-size", str(value_size), "--keys", str(keys), "--duration", str(seconds),
        )
        cpu = cpu_seconds(self.pids) - before
        latency = result["latency_us"]
        return {
            "ops": result["operations_per_second"],
            "cpu_us": cpu * 1e6 / max(result["operations"], 1),
            "p50": latency["p50"],
            "p99": latency["p99"],
            "failures": result["failures"],
        }

    def close(self):
        self.onebox("clear")
        shutil.rmtree(self.directory, ignore_errors=True)


class Redis:
    """One Redis server with its append-only file in one mode."""

    def __init__(self, appendfsync):
        self.name = f"redis, appendfsync {appendfsync}"
        self.directory = tempfile.mkdtemp(prefix="redis-bench-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.process = subprocess.Popen(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory,
             "--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        self.wait_until_it_serves()

    def wait_until_it_serves(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(self.port))).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def run(self, test, connections, value_size, keys, requests):
        output = subprocess.run(
            ["redis-benchmark", "-p", self.port, "--csv", "-t", test, "-c", str(connections),
             "-d", str(value_size), "-r", str(keys), "-n", str(requests)],
            check=True, stdout=subprocess.PIPE, text=True,
        ).stdout
        return list(csv.DictReader(io.StringIO(output)))[-1]

    def prepare(self, value_size, keys):
        self.run("set", 50, value_size, keys, keys * 3)

    def measure(self, workload, connections, value_size, keys, seconds):
        test = {"put": "set", "get": "get"}[workload]
        probe = self.run(test, connections, value_size, keys, REDIS_PROBE_REQUESTS)
        requests = max(int(float(probe["rps"]) * seconds), REDIS_PROBE_REQUESTS)
        before = cpu_seconds([self.process.pid])
        result = self.run(test, connections, value_size, keys, requests)
        cpu = cpu_seconds([self.process.pid]) - before
        return {
            "ops": float(result["rps"]),
            "cpu_us": cpu * 1e6 / requests,
            "p50": float(result["p50_latency_ms"]) * 1000,
            "p99": float(result["p99_latency_ms"]) * 1000,
            "failures": 0,
        }

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def median(values):
    return sorted(values)[len(values) // 2]


def measure_all(systems, arguments):
    """{(workload, value size, connections): {system: [result of each round]}}"""
    results = {}
    for value_size in arguments.value_sizes:
        for system in systems:
            say(f"loading {arguments.keys} records of {value_size} bytes into {system.name}")
            system.prepare(value_size, arguments.keys)
        for workload in ("put", "get"):
            for connections in arguments.connections:
                cell = results.setdefault((workload, value_size, connections), {})
                for number in range(arguments.rounds):
                    for system in systems:
                        result = system.measure(
                            workload, connections, value_size, arguments.keys, arguments.duration
                        )
                        say(f"{workload} {value_size} B, {connections} connections, round "
                            f"{number + 1}, {system.name}: {result['ops']:.0f}/s, "
                            f"{result['cpu_us']:.1f} us CPU")
                        if result["failures"]:
                            say(f"  {result['failures']} operations failed")
                        cell.setdefault(system.name, []).append(result)
    return results


def print_tables(results, arguments):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout.strip()
    with open("/proc/cpuinfo") as file:
        models = [line.split(": ")[1].strip() for line in file if line.startswith("model name")]
    print(f"Commit {commit or 'unknown'}; {platform.release()}, {len(models)} cores of "
          f"{models[0] if models else platform.machine()}; table of 8 partitions with 3 replicas; "
          f"{arguments.keys} records; {arguments.duration} s per run, median of "
          f"{arguments.rounds} interleaved rounds; load generator on the same cores.\n")
    for workload in ("put", "get"):
        print(f"### {workload}\n")
        print("| Value | Connections | System | Operations/s | CPU us/operation, all servers "
              "| p50 us | p99 us |")
        print("|---|---|---|---|---|---|---|")
        for (kind, value_size, connections), systems in results.items():
            if kind != workload:
                continue
            for name, rounds in systems.items():
                cells = [median([r[key] for r in rounds]) for key in ("ops", "cpu_us", "p50", "p99")]
                print(f"| {value_size} B | {connections} | {name} | {cells[0]:,.0f} "
                      f"| {cells[1]:.1f} | {cells[2]:,.0f} | {cells[3]:,.0f} |")
        print()


def numbers(text):
    return [int(number) for number in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pegasus", required=True, help="the binary, built for release")
    parser.add_argument("--connections", type=numbers, default=[1, 10, 50])
    parser.add_argument("--value-sizes", type=numbers, default=[100, 1024])
    parser.add_argument("--keys", type=int, default=100000)
    parser.add_argument("--duration", type=int, default=10, help="seconds of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-redis", action="store_true")
    arguments = parser.parse_args()

    systems = []
    try:
        for durability in ("fsync", "os"):
            systems.append(Pegasus(os.path.abspath(arguments.pegasus), durability))
        if not arguments.no_redis:
            for appendfsync in ("always", "everysec"):
                systems.append(Redis(appendfsync))
        print_tables(measure_all(systems, arguments), arguments)
    finally:
        for system in systems:
            system.close()


if __name__ == "__main__":
    main()
