"""Calls on the records of one hash key: the multi calls, get_sort_keys, sort_key_count."""

from pypegasus.rrdb.ttypes import filter_type
from pypegasus.utils.tools import MultiGetOptions

from blocking import INCOMPLETE, INVALID_ARGUMENT, INVALID_PARAMETERS, NOT_FOUND, OK, ClientTest


def numbered(count):
    return {f"s{number:04}": f"value {number}" for number in range(count)}


def as_bytes(records):
    return {key.encode(): value.encode() for key, value in records.items()}


def part(records, start, stop=None):
    return as_bytes(dict(list(records.items())[start:stop]))


class HashKeys(ClientTest):
    def fill(self, client, count):
        records = numbered(count)
        self.assert_ok(client.multi_set(self.hash_key, records))
        return records

    def test_multi_set_multi_get_multi_del(self):
        client = self.open()
        records = self.fill(client, 20)
        found = self.assert_ok(client.multi_get(self.hash_key, {"s0003", "absent", "s0017"}))
        self.assertEqual(found, {b"s0003": b"value 3", b"s0017": b"value 17"})
        self.assertEqual(self.assert_ok(client.multi_get(self.hash_key, None)), as_bytes(records))
        # The answer counts what was asked for, whether or not it was there.
        doomed = {"absent", *list(records)[:15]}
        self.assertEqual(client.multi_del(self.hash_key, doomed), (OK, 16))
        self.assertEqual(self.assert_ok(client.multi_get(self.hash_key, None)), part(records, 15))
        self.assertEqual(self.assert_ok(client.sort_key_count(self.hash_key)), 5)

    def test_arguments_that_the_client_refuses(self):
        client = self.open()
        self.assertEqual(client.multi_get(self.hash_key, ["a list"]), (INVALID_PARAMETERS, 0))
        self.assertEqual(client.multi_del(self.hash_key, ["a list"]), (INVALID_PARAMETERS, 0))

    def test_empty_multi_calls(self):
        client = self.open()
        self.assertEqual(client.multi_set(self.hash_key, {})[0], INVALID_ARGUMENT)
        self.assertEqual(client.multi_del(self.hash_key, set())[0], INVALID_ARGUMENT)

    def test_multi_set_with_ttl(self):
        client = self.open()
        self.assert_ok(client.multi_set(self.hash_key, {"": "", "a": "b"}, 500))
        for sort_key in ("", "a"):
            self.assertAlmostEqual(
                self.assert_ok(client.ttl(self.hash_key, sort_key)), 500, delta=30
            )

    def test_sort_keys_of_bytes_are_stored_as_their_python_text(self):
        # The client in the registry writes str() of every sort key and value of a multi call.
        client = self.open()
        self.assert_ok(client.multi_set(self.hash_key, {b"key": b"value"}))
        self.assertEqual(client.get(self.hash_key, "key"), (NOT_FOUND, b""))
        self.assertEqual(client.get(self.hash_key, "b'key'"), (OK, b"b'value'"))

    def test_range_reads_leave_out_the_empty_sort_key(self):
        # The client leaves out start_inclusive, whose default on the wire is false.
        client = self.open()
        self.assert_ok(client.multi_set(self.hash_key, {"": "empty", "a": "b"}))
        self.assertEqual(client.multi_get(self.hash_key, None), (OK, {b"a": b"b"}))
        self.assertEqual(client.multi_get(self.hash_key, {""}), (OK, {b"": b"empty"}))

    def test_limits(self):
        client = self.open()
        records = self.fill(client, 150)
        self.assertEqual(client.multi_get(self.hash_key, None), (INCOMPLETE, part(records, 0, 100)))
        self.assertEqual(
            client.multi_get(self.hash_key, None, 7), (INCOMPLETE, part(records, 0, 7))
        )
        code, found = client.multi_get(self.hash_key, set(records), 7)
        self.assertEqual((code, len(found)), (INCOMPLETE, 7))
        # A record has 5 + 7 bytes; the one that crosses the limit is still there.
        self.assertEqual(
            client.multi_get(self.hash_key, None, -1, 100), (INCOMPLETE, part(records, 0, 9))
        )
        self.assertEqual(
            client.multi_get(self.hash_key, None, -1, -1), (OK, as_bytes(records))
        )

    def test_no_value_and_get_sort_keys(self):
        client = self.open()
        records = self.fill(client, 5)
        without_values = {key.encode(): b"" for key in records}
        self.assertEqual(
            client.multi_get(self.hash_key, set(records), no_value=True), (OK, without_values)
        )
        self.assertEqual(client.get_sort_keys(self.hash_key), (OK, without_values))
        code, some = client.get_sort_keys(self.hash_key, 2)
        self.assertEqual((code, list(some)), (INCOMPLETE, [b"s0000", b"s0001"]))
        self.assertEqual(client.get_sort_keys(self.hash_key + "absent"), (OK, {}))

    def test_ranges(self):
        client = self.open()
        records = self.fill(client, 10)
        for start_inclusive in (True, False):
            for stop_inclusive in (True, False):
                options = MultiGetOptions()
                options.start_inclusive = start_inclusive
                options.stop_inclusive = stop_inclusive
                answer = client.multi_get_opt(self.hash_key, "s0002", "s0006", options)
                first, last = 2 + (not start_inclusive), 6 + stop_inclusive
                self.assertEqual(answer, (OK, part(records, first, last)))
        answer = client.multi_get_opt(self.hash_key, "", "", MultiGetOptions())
        self.assertEqual(answer, (OK, as_bytes(records)))
        answer = client.multi_get_opt(self.hash_key, "s0006", "s0002", MultiGetOptions())
        self.assertEqual(answer, (OK, {}))

    def test_reverse(self):
        client = self.open()
        records = self.fill(client, 10)
        options = MultiGetOptions()
        options.reverse = True
        answer = client.multi_get_opt(self.hash_key, "", "", options, 3)
        self.assertEqual(answer, (INCOMPLETE, part(records, 7)))

    def test_filters(self):
        client = self.open()
        keys = ["abc", "bcd", "xab", "zzz"]
        self.assert_ok(client.multi_set(self.hash_key, {key: key for key in keys}))
        for kind, pattern, expected in [
            (filter_type.FT_NO_FILTER, "zz", keys),
            (filter_type.FT_MATCH_ANYWHERE, "bc", ["abc", "bcd"]),
            (filter_type.FT_MATCH_PREFIX, "b", ["bcd"]),
            (filter_type.FT_MATCH_POSTFIX, "ab", ["xab"]),
            (filter_type.FT_MATCH_ANYWHERE, "", keys),
            (filter_type.FT_MATCH_PREFIX, "longer than any key", []),
        ]:
            options = MultiGetOptions()
            options.sortkey_filter_type = kind
            options.sortkey_filter_pattern = pattern
            options.no_value = True
            answer = client.multi_get_opt(self.hash_key, "", "", options)
            self.assertEqual(answer, (OK, {key.encode(): b"" for key in expected}), pattern)

    def test_sort_key_count(self):
        client = self.open()
        self.assertEqual(client.sort_key_count(self.hash_key), (OK, 0))
        self.fill(client, 123)
        self.assertEqual(client.sort_key_count(self.hash_key), (OK, 123))
