"""Scanners: of one hash key, and of a whole table."""

from pypegasus.utils.tools import ScanOptions

from blocking import OK, PATIENCE_MS, SCAN_TABLE, ClientTest, blocking


def options(batch_size=1000, **values):
    result = ScanOptions()
    result.batch_size = batch_size
    result.timeout_millis = PATIENCE_MS
    for name, value in values.items():
        setattr(result, name, value)
    return result


class HashScans(ClientTest):
    def setUp(self):
        super().setUp()
        self.client = self.open()
        self.sort_keys = [f"s{number:04}" for number in range(30)]
        records = {key: f"value of {key}" for key in self.sort_keys}
        self.assert_ok(self.client.multi_set(self.hash_key, records))

    def found(self, start, stop, scan_options):
        """The sort keys that a scan finds, in its order."""
        scanner = self.client.get_scanner(self.hash_key, start, stop, scan_options)
        records = self.client.read_all(scanner)
        for (hash_key, sort_key), value in records:
            self.assertEqual(hash_key, self.hash_key)
            self.assertEqual(value, f"value of {sort_key}".encode())
        return [sort_key for (_, sort_key), _ in records]

    def test_batch_sizes(self):
        for batch_size in (1, 7, 30, 1000):
            found = self.found("s", "t", options(batch_size))
            self.assertEqual(found, self.sort_keys)

    def test_ranges(self):
        for start_inclusive in (True, False):
            for stop_inclusive in (True, False):
                scan_options = options(
                    2, start_inclusive=start_inclusive, stop_inclusive=stop_inclusive
                )
                first, last = 3 + (not start_inclusive), 7 + stop_inclusive
                found = self.found("s0003", "s0007", scan_options)
                self.assertEqual(found, self.sort_keys[first:last])

    def test_empty_ranges(self):
        self.assertEqual(self.found("s0007", "s0003", options()), [])
        self.assertEqual(self.found("s0003", "s0003", options()), [])
        self.assertEqual(self.found("s0003", "s0003", options(stop_inclusive=True)), ["s0003"])

    def test_no_stop_key(self):
        # The client in the registry cannot make the end of a hash key: it adds one to a character.
        with self.assertRaises(TypeError):
            self.client.get_scanner(self.hash_key, "", "", options())

    def test_scanner_closed_early(self):
        scanner = self.client.get_scanner(
            self.hash_key, "s", "t", options(2, timeout_millis=1000)
        )
        self.assertIsNotNone(blocking(scanner.get_next))
        blocking(scanner.close)
        # The connection is as good as before, though no server answers clear_scanner.
        self.assertEqual(self.client.get(self.hash_key, "s0000")[0], OK)

    def test_a_scan_reads_its_own_snapshot(self):
        scanner = self.client.get_scanner(self.hash_key, "s", "t", options(2))
        blocking(scanner.get_next)
        self.assert_ok(self.client.multi_del(self.hash_key, set(self.sort_keys)))
        self.assertEqual(len(self.client.read_all(scanner)), len(self.sort_keys) - 1)


class FullScans(ClientTest):
    def test_unordered_scan(self):
        client = self.open_empty(SCAN_TABLE)
        expected = {}
        for number in range(60):
            hash_key = f"hash{number}"
            records = {f"s{sort_key}": f"{number}-{sort_key}" for sort_key in range(5)}
            self.assert_ok(client.multi_set(hash_key, records))
            for sort_key, value in records.items():
                expected[hash_key, sort_key] = value.encode()
        for splits in (1, 2, 3, 5, 7, 8, 100):
            scanners = blocking(client.inner.get_unordered_scanners, splits, options(3))
            self.assertEqual(len(scanners), min(splits, 8))
            records = [record for scanner in scanners for record in client.read_all(scanner)]
            self.assertEqual(len(records), len(expected), "no record comes twice")
            self.assertEqual(dict(records), expected)
        self.assertIsNone(client.get_unordered_scanners(0, options()))
