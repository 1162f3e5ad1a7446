"""A cluster on this machine for one language's tests, and what the tests do to it."""

import glob
import json
import os
import signal
import subprocess
import time

from harness.commands import Failed

# How long a cluster may take to become whole again.
WHOLE_LIMIT_SECONDS = 120
LOOK_PAUSE_SECONDS = 0.1
# Tests of clients do not measure failover, and some clients leave what a failover interrupts to
# their callers: a machine that stands still for two seconds shall not be one.
REPLICA_LEASE = {"fd_lease_ms": 8000}
META_LEASE = {**REPLICA_LEASE, "fd_grace_ms": 10000}


class Cluster:
    """The onebox in a directory. Commands are those of the `pegasus` binary."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = directory

    def begin(self):
        """Makes the cluster, with leases long enough for a machine that stands still at times."""
        self.start()
        self.stop()
        for path in glob.glob(os.path.join(self.directory, "*", "config.toml")):
            is_meta = os.path.basename(os.path.dirname(path)).startswith("meta")
            _set_in_section(path, "replication", META_LEASE if is_meta else REPLICA_LEASE)
        self.start()

    def start(self, base_port=0):
        """Starts what does not run, and waits until it serves."""
        self._onebox("start", "--base-port", str(base_port))

    def stop(self):
        self._onebox("stop")

    def clear(self):
        """Ends every process and removes every file."""
        self._onebox("clear")

    def create_table(self, name, partition_count):
        self._shell(f"create {name} -p {partition_count} -r 3")

    def nodes(self):
        return json.loads(self._onebox("status", "--json"))

    def metas(self):
        """The addresses of the meta servers, as clients take them."""
        return ",".join(node["address"] for node in self.nodes() if node["role"] == "meta")

    def kill(self, address):
        """Ends the server at an address at once, and returns its name."""
        name = next(node["name"] for node in self.nodes() if node["address"] == address)
        self._onebox("kill", name)
        return name

    def signal_replicas(self, number):
        """Stops or continues the replica servers, without waiting for anything."""
        for node in self.nodes():
            if node["role"] == "replica" and node["pid"]:
                os.kill(node["pid"], number)

    def freeze(self):
        self.signal_replicas(signal.SIGSTOP)

    def thaw(self):
        self.signal_replicas(signal.SIGCONT)

    def primary(self, table):
        """The address of the primary of a table's first partition."""
        return self._shell_json(f"app {table} -d")["replicas"]["0"]["primary"]

    def wait_until_whole(self):
        """Waits until every partition of every table has all its members."""
        deadline = time.monotonic() + WHOLE_LIMIT_SECONDS
        while True:
            summary = self._shell_json("ls -d")["summary"]
            if summary["unhealthy_app_count"] == "0":
                return
            if time.monotonic() > deadline:
                raise Failed(f"the cluster does not become whole: {summary}")
            time.sleep(LOOK_PAUSE_SECONDS)

    def _onebox(self, *arguments):
        return _output([self.binary, "onebox", *arguments, "--dir", self.directory])

    def _shell(self, command, *options):
        return _output([self.binary, "shell", "--meta", self.metas(), *options, "-c", command])

    def _shell_json(self, command):
        return json.loads(self._shell(command, "--json"))


def _set_in_section(path, section, values):
    """Adds keys to a section of a configuration file, and the section where there is none."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    header = f"[{section}]\n"
    if header not in text:
        text += "\n" + header
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(header, header + lines, 1))


def _output(command):
    """What a command prints; its complaints are in the error if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout
