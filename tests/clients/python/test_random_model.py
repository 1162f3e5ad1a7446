"""Thousands of random operations, compared with a model. PEGASUS_SEED and PEGASUS_OPERATIONS choose
others."""

import os
import random

from blocking import BINARY_TABLE, SCAN_TABLE, ClientTest, blocking
from exercise import Exercise

SEED = int(os.environ.get("PEGASUS_SEED", "20261121"))
OPERATIONS = int(os.environ.get("PEGASUS_OPERATIONS", "4000"))
FULL_SCANS = 20


class RandomModel(ClientTest):
    def run_operations(self, exercise, operations, count):
        with self.subTest(seed=SEED):
            blocking(exercise.run, operations, count)

    def test_every_call_with_text(self):
        hash_keys = [f"h{number}" for number in range(6)] + ["h\u00e4\u20ac"]
        sort_keys = [f"s{number}" for number in range(60)] + ["s-\u00f6", "s" * 300]
        client = self.open_empty(SCAN_TABLE)
        exercise = Exercise(client.inner, SEED, hash_keys, sort_keys)
        self.run_operations(exercise, exercise.text_operations(), OPERATIONS)
        self.run_operations(exercise, [exercise.full_scan], FULL_SCANS)

    def test_calls_that_take_bytes(self):
        source = random.Random(SEED + 1)
        hash_keys = [b"\x00", b"\xff\xff", b"\x00\x01\x02"]
        hash_keys += [source.randbytes(9) for _ in range(4)]
        sort_keys = [b"", b"\x00", b"\xff", b"\xff" * 20]
        sort_keys += [source.randbytes(length) for length in range(1, 40)]
        client = self.open(BINARY_TABLE)
        exercise = Exercise(client.inner, SEED + 2, hash_keys, sort_keys)
        operations = exercise.record_operations() * 2 + exercise.hash_key_reads()
        self.run_operations(exercise, operations, OPERATIONS // 2)
