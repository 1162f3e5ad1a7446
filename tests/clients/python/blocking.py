"""The official client without its event loop: each call blocks the test until its answer is there.

The loop (a Twisted reactor) runs in one thread for the whole process; tests run in the main thread.
"""

import atexit
import os
import subprocess
import threading
import time
import unittest
import uuid

from twisted.internet import reactor, threads

from pypegasus.base.ttypes import error_types, rocksdb_error_types
from pypegasus.pgclient import Pegasus
from pypegasus.utils.tools import ScanOptions

OK = error_types.ERR_OK.value
NOT_FOUND = error_types.ERR_OBJECT_NOT_FOUND.value
INCOMPLETE = error_types.ERR_INCOMPLETE_DATA.value
TIMEOUT = error_types.ERR_TIMEOUT.value
INVALID_STATE = error_types.ERR_INVALID_STATE.value
INVALID_PARAMETERS = error_types.ERR_INVALID_PARAMETERS.value
INVALID_DATA = error_types.ERR_INVALID_DATA
INVALID_ARGUMENT = rocksdb_error_types.kInvalidArgument.value

# How long to wait for an answer. Generous: a slow machine is not what is tested. Milliseconds.
PATIENCE_MS = 30000
# How long the client may take to find its way after servers have died. It looks every two seconds.
RECOVERY_SECONDS = 60

# A table for everything, and one that only the full scans write to. Both have eight partitions.
TABLE = "temp"
SCAN_TABLE = "scan"
BINARY_TABLE = "binary"


def start_reactor():
    thread = threading.Thread(target=reactor.run, args=(False,), daemon=True)
    thread.start()
    atexit.register(lambda: (reactor.callFromThread(reactor.stop), thread.join(10)))


start_reactor()


def blocking(function, *arguments, **options):
    """Calls a function in the reactor's thread, and waits for what it returns or promises."""
    return threads.blockingCallFromThread(reactor, function, *arguments, **options)


def metas():
    return os.environ["PEGASUS_META"].split(",")


def control(*arguments):
    """Breaks or mends the cluster: see tests/clients/control."""
    command = [os.environ["PEGASUS_CONTROL"], *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Client:
    """The official client for one table; every method is the client's own, but blocks."""

    def __init__(self, table, addresses=None, timeout=PATIENCE_MS):
        self.inner = blocking(Pegasus, addresses or metas(), table, timeout)

    def __getattr__(self, name):
        method = getattr(self.inner, name)
        return lambda *arguments, **options: blocking(method, *arguments, **options)

    def close(self):
        # The client cannot be closed while it refreshes its routing: then its timer does not run.
        wait_for(lambda: self.inner.timer.active(), "the client's timer")
        blocking(self.inner.close)

    def read_all(self, scanner):
        """Everything that a scanner finds: [((hash key, sort key), value)]."""
        records = []
        while (record := blocking(scanner.get_next)) is not None:
            records.append(record)
        blocking(scanner.close)
        return records


def wait_for(condition, what, seconds=RECOVERY_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still waiting for {what} after {seconds} s")
        time.sleep(0.05)


class ClientTest(unittest.TestCase):
    """A test with open clients that are closed with it, and a hash key that no other test uses."""

    def setUp(self):
        self.hash_key = f"{self.id()}-{uuid.uuid4()}"

    def open(self, table=TABLE, **options):
        client = Client(table, **options)
        self.addCleanup(client.close)
        self.assertTrue(client.init(), f"the client cannot open {table}")
        return client

    def open_empty(self, table):
        """For tests that compare all of a table: rid of what others have left."""
        client = self.open(table)
        for scanner in client.get_unordered_scanners(1, ScanOptions()):
            for (hash_key, sort_key), _ in client.read_all(scanner):
                self.assert_ok(client.remove(hash_key, sort_key))
        return client

    def assert_ok(self, answer):
        """The answer's second half, if its first half says that all is well."""
        code, result = answer
        self.assertEqual(code, OK)
        return result
