"""Calls on one record: set, get, remove, exist, ttl."""

from blocking import BINARY_TABLE, INVALID_DATA, NOT_FOUND, OK, PATIENCE_MS, ClientTest, wait_for


class Records(ClientTest):
    def test_set_get_remove(self):
        client = self.open()
        self.assertEqual(client.get(self.hash_key, "s"), (NOT_FOUND, b""))
        self.assert_ok(client.set(self.hash_key, "s", "first"))
        self.assert_ok(client.set(self.hash_key, "s", "second"))
        self.assertEqual(self.assert_ok(client.get(self.hash_key, "s")), b"second")
        self.assert_ok(client.remove(self.hash_key, "s"))
        self.assertEqual(client.get(self.hash_key, "s"), (NOT_FOUND, b""))
        self.assert_ok(client.remove(self.hash_key, "s"))

    def test_exist(self):
        client = self.open()
        self.assertEqual(client.exist(self.hash_key, "s")[0], NOT_FOUND)
        self.assert_ok(client.set(self.hash_key, "s", ""))
        self.assert_ok(client.exist(self.hash_key, "s"))

    def test_empty_sort_key_and_empty_value(self):
        client = self.open()
        self.assert_ok(client.set(self.hash_key, "", ""))
        self.assertEqual(self.assert_ok(client.get(self.hash_key, "")), b"")
        self.assertEqual(self.assert_ok(client.sort_key_count(self.hash_key)), 1)

    def test_empty_hash_key(self):
        # Such a record is placed by its sort key.
        client = self.open(BINARY_TABLE)
        for sort_key in ("one", "two", "three", self.hash_key):
            self.assert_ok(client.set("", sort_key, sort_key))
        for sort_key in ("one", "two", "three", self.hash_key):
            self.assertEqual(self.assert_ok(client.get("", sort_key)), sort_key.encode())
            self.assert_ok(client.remove("", sort_key))

    def test_binary_keys_and_values(self):
        client = self.open(BINARY_TABLE)
        every_byte = bytes(range(256))
        hash_keys = [b"\x00", b"\xff\xff", b"\x00\x00", every_byte]
        sort_keys = [b"", b"\x00", b"\xff", b"\xff" * 20, every_byte]
        for hash_key in hash_keys:
            for sort_key in sort_keys:
                self.assert_ok(client.set(hash_key, sort_key, sort_key + every_byte))
        for hash_key in hash_keys:
            for sort_key in sort_keys:
                value = self.assert_ok(client.get(hash_key, sort_key))
                self.assertEqual(value, sort_key + every_byte)
                self.assert_ok(client.remove(hash_key, sort_key))

    def test_keys_that_are_prefixes_of_each_other(self):
        client = self.open()
        pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("a", "b")]
        for number, (hash_end, sort_key) in enumerate(pairs):
            self.assert_ok(client.set(self.hash_key + hash_end, sort_key, str(number)))
        for number, (hash_end, sort_key) in enumerate(pairs):
            value = self.assert_ok(client.get(self.hash_key + hash_end, sort_key))
            self.assertEqual(value, str(number).encode())

    def test_ttl(self):
        client = self.open()
        self.assertEqual(client.ttl(self.hash_key, "s"), (NOT_FOUND, 0))
        self.assert_ok(client.set(self.hash_key, "s", "v"))
        self.assertEqual(self.assert_ok(client.ttl(self.hash_key, "s")), -1)
        self.assert_ok(client.set(self.hash_key, "s", "v", 1000))
        self.assertAlmostEqual(self.assert_ok(client.ttl(self.hash_key, "s")), 1000, delta=30)
        self.assert_ok(client.set(self.hash_key, "s", "v", 0))
        self.assertEqual(self.assert_ok(client.ttl(self.hash_key, "s")), -1)

    def test_records_expire(self):
        client = self.open()
        self.assert_ok(client.set(self.hash_key, "s", "v", 1))
        self.assert_ok(client.multi_set(self.hash_key, {"m": "v"}, 1))
        wait_for(lambda: client.get(self.hash_key, "s")[0] == NOT_FOUND, "the record's end")
        wait_for(lambda: client.sort_key_count(self.hash_key) == (OK, 0), "the other's end")
        self.assertEqual(client.exist(self.hash_key, "s")[0], NOT_FOUND)

    def test_large_values(self):
        client = self.open()
        # A request may have 1 MiB, with its key and its frame.
        large = b"0123456789abcdef" * 65000
        self.assert_ok(client.set(self.hash_key, "s", large))
        self.assertEqual(self.assert_ok(client.get(self.hash_key, "s")), large)
        # The client hands out an error of the frame as it is, not as a pair.
        self.assertEqual(client.set(self.hash_key, "s", b"x" * (2 << 20)), INVALID_DATA)
        self.assertEqual(self.assert_ok(client.get(self.hash_key, "s")), large)

    def test_long_keys(self):
        client = self.open(BINARY_TABLE)
        longest, long_sort_key = b"k" * 65534, b"s" * 100000
        self.assert_ok(client.set(longest, long_sort_key, "v"))
        self.assertEqual(self.assert_ok(client.get(longest, long_sort_key)), b"v")
        self.assert_ok(client.remove(longest, long_sort_key))

    def test_limits_of_each_operation(self):
        client = self.open()
        self.assert_ok(client.set(self.hash_key, "s", "v", 0, PATIENCE_MS))
        self.assertEqual(client.get(self.hash_key, "s", PATIENCE_MS), (OK, b"v"))
        self.assert_ok(client.exist(self.hash_key, "s", PATIENCE_MS))
        self.assert_ok(client.remove(self.hash_key, "s", PATIENCE_MS))
