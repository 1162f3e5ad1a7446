"""Random operations of the official client on one table, one after the other, each checked against a
model.

A table for text takes every call. The client can only use text there: it turns the sort keys of
multi_set and its like into text with str(), and its scanners decode every key as UTF-8. A table for
bytes takes the calls that pass bytes through: set, get, remove, exist, ttl, and the hash keys of the
multi calls.
"""

import random
import time

from twisted.internet import defer, reactor
from twisted.internet.defer import inlineCallbacks

from pypegasus.rrdb.ttypes import filter_type
from pypegasus.utils.tools import MultiGetOptions, ScanOptions

from blocking import INCOMPLETE, NOT_FOUND, OK, PATIENCE_MS
from model import Mismatch, Model, Moment, check, to_bytes

ABANDONED_MAX = 3


class Exercise:
    """Random operations on one table, each checked against the model."""

    def __init__(self, client, seed, hash_keys, sort_keys):
        self.client = client
        self.model = Model()
        self.random = random.Random(seed)
        self.hash_keys = hash_keys
        self.sort_keys = sort_keys
        self.counts = {}
        self.abandoned = 0

    @inlineCallbacks
    def run(self, operations, count):
        for number in range(count):
            operation = self.random.choice(operations)
            name = operation.__name__
            self.counts[name] = self.counts.get(name, 0) + 1
            try:
                yield operation()
            except Exception as error:
                raise Mismatch("operation %d, %s: %s" % (number, name, error)) from error

    # What to operate on ------------------------------------------------------------------------

    def hash_key(self):
        return self.random.choice(self.hash_keys)

    def sort_key(self):
        return self.random.choice(self.sort_keys)

    def some_sort_keys(self):
        return set(self.random.sample(self.sort_keys, self.random.randrange(1, 12)))

    def value(self):
        length = self.random.choice([0, 1, 10, 100, 1000])
        return bytes(self.random.randrange(256) for _ in range(length))

    def text_value(self):
        return "".join(self.random.choice("abc\u00e4\u20ac ") for _ in range(self.random.randrange(50)))

    def ttl(self):
        """Mostly none; else so short that it is met again, or so long that it is not."""
        return self.random.choice([0] * 6 + [1, 2, 3, 100, 100000])

    @staticmethod
    def expiry(ttl, moment):
        """The client computes expiry = now + ttl itself; `now` is unknown to one second only when
        the second changes in between, which `settle` excludes."""
        return moment.before + ttl if ttl else 0

    @inlineCallbacks
    def settle(self):
        """Begins a write with expiry early in a second, so that client and model agree on `now`."""
        while time.time() % 1 > 0.8:
            pause = defer.Deferred()
            reactor.callLater(0.05, pause.callback, None)
            yield pause

    # Calls on one record -----------------------------------------------------------------------

    @inlineCallbacks
    def set(self):
        hash_key, sort_key, value, ttl = self.hash_key(), self.sort_key(), self.value(), self.ttl()
        if ttl:
            yield self.settle()
        moment = Moment()
        deferred = self.client.set(hash_key, sort_key, value, ttl, PATIENCE_MS)
        code, _ = yield deferred
        check(code == OK, "set", code)
        self.model.set(hash_key, sort_key, value, self.expiry(ttl, moment))

    def records(self, hash_key, sort_key, moment):
        """The record as the model has it at the two times of the moment."""
        return [self.model.get(hash_key, sort_key, now) for now in (moment.before, moment.after)]

    @inlineCallbacks
    def get(self):
        hash_key, sort_key = self.hash_key(), self.sort_key()
        moment = Moment()
        code, value = yield self.client.get(hash_key, sort_key, PATIENCE_MS)
        moment.end()
        answers = self.records(hash_key, sort_key, moment)
        allowed = [(OK, record[0]) if record else (NOT_FOUND, b"") for record in answers]
        check((code, bytes(value)) in allowed, hash_key, sort_key, code, value, allowed)

    @inlineCallbacks
    def exist(self):
        hash_key, sort_key = self.hash_key(), self.sort_key()
        moment = Moment()
        code, _ = yield self.client.exist(hash_key, sort_key, PATIENCE_MS)
        moment.end()
        answers = self.records(hash_key, sort_key, moment)
        check(code in [OK if record else NOT_FOUND for record in answers], hash_key, sort_key, code)

    @inlineCallbacks
    def read_ttl(self):
        hash_key, sort_key = self.hash_key(), self.sort_key()
        moment = Moment()
        code, ttl = yield self.client.ttl(hash_key, sort_key, PATIENCE_MS)
        moment.end()
        allowed = []
        for now in (moment.before, moment.after):
            record = self.model.get(hash_key, sort_key, now)
            if not record:
                allowed.append((NOT_FOUND, 0))
            elif record[1] == 0:
                allowed.append((OK, -1))
            else:
                allowed.append((OK, record[1] - now))
        check((code, ttl) in allowed, hash_key, sort_key, code, ttl, allowed)

    @inlineCallbacks
    def remove(self):
        hash_key, sort_key = self.hash_key(), self.sort_key()
        code, _ = yield self.client.remove(hash_key, sort_key, PATIENCE_MS)
        check(code == OK, "remove", code)
        self.model.remove(hash_key, sort_key)

    @inlineCallbacks
    def pipelined_sets(self):
        """Many requests at once on the same connections."""
        keys = {(self.hash_key(), self.sort_key()) for _ in range(20)}
        values = {key: self.value() for key in keys}
        answers = yield defer.gatherResults(
            [self.client.set(h, s, value, 0, PATIENCE_MS) for (h, s), value in values.items()]
        )
        check(all(code == OK for code, _ in answers), answers)
        for (hash_key, sort_key), value in values.items():
            self.model.set(hash_key, sort_key, value, 0)

    # Calls on the records of one hash key ----------------------------------------------------------

    def check_kvs(self, hash_key, observed, moment, wanted=lambda sort_key: True, values=True):
        """The observed records are those of the model that are wanted. What expires between the
        two times of the moment may be there or not."""
        at_least = {k: v for k, v in self.model.under(hash_key, moment.after).items() if wanted(k)}
        at_most = {k: v for k, v in self.model.under(hash_key, moment.before).items() if wanted(k)}
        observed = {bytes(k): bytes(v) for k, v in observed.items()}
        for key in at_least:
            check(key in observed, "missing", hash_key, key)
        for key, value in observed.items():
            check(key in at_most, "unexpected", hash_key, key)
            expected = at_most[key] if values else b""
            check(value == expected, hash_key, key, value, expected)

    @inlineCallbacks
    def multi_set(self):
        hash_key, ttl = self.hash_key(), self.ttl()
        values = {sort_key: self.text_value() for sort_key in self.some_sort_keys()}
        if ttl:
            yield self.settle()
        moment = Moment()
        code, _ = yield self.client.multi_set(hash_key, values, ttl, PATIENCE_MS)
        check(code == OK, "multi_set", code)
        for sort_key, value in values.items():
            self.model.set(hash_key, sort_key, value, self.expiry(ttl, moment))

    @inlineCallbacks
    def multi_get(self):
        hash_key, sort_keys = self.hash_key(), self.some_sort_keys()
        no_value = self.random.random() < 0.2
        moment = Moment()
        code, kvs = yield self.client.multi_get(
            hash_key, sort_keys, 100, 1000000, no_value, PATIENCE_MS
        )
        moment.end()
        check(code == OK, "multi_get", code)
        asked = {to_bytes(sort_key) for sort_key in sort_keys}
        self.check_kvs(hash_key, kvs, moment, lambda key: key in asked, not no_value)

    @inlineCallbacks
    def multi_get_all(self):
        """With a limit: a part of the records in order, and the news that there are more."""
        hash_key, limit = self.hash_key(), self.random.choice([1, 3, 10, 1000])
        moment = Moment()
        code, kvs = yield self.client.multi_get(
            hash_key, None, limit, 1000000, False, PATIENCE_MS
        )
        moment.end()
        now, then = (list(self.model.ranged(hash_key, t)) for t in (moment.before, moment.after))
        if now != then:
            return
        check(sorted(bytes(key) for key in kvs) == now[:limit], hash_key, limit, sorted(kvs), now)
        # Exactly at the limit either is right: the server does not look at what comes next.
        if len(now) != limit:
            expected = INCOMPLETE if len(now) > limit else OK
            check(code == expected, hash_key, limit, code, len(now))

    @inlineCallbacks
    def multi_get_opt(self):
        hash_key = self.hash_key()
        start, stop = sorted([self.sort_key(), self.sort_key()], key=to_bytes)
        if self.random.random() < 0.2:
            start = ""
        if self.random.random() < 0.2:
            stop = ""
        options = MultiGetOptions()
        options.start_inclusive = self.random.random() < 0.5
        options.stop_inclusive = self.random.random() < 0.5
        options.no_value = self.random.random() < 0.2
        options.reverse = self.random.random() < 0.5
        options.sortkey_filter_type = self.random.choice(
            [
                filter_type.FT_NO_FILTER,
                filter_type.FT_MATCH_ANYWHERE,
                filter_type.FT_MATCH_PREFIX,
                filter_type.FT_MATCH_POSTFIX,
            ]
        )
        options.sortkey_filter_pattern = self.random.choice(["", "1", "s", "s1", "5", "-"])
        limit = self.random.choice([2, 100])
        moment = Moment()
        code, kvs = yield self.client.multi_get_opt(
            hash_key, start, stop, options, limit, 1000000, PATIENCE_MS
        )
        moment.end()
        wanted = self.range_and_filter(start, stop, options)
        if len([key for key in self.model.under(hash_key, moment.before) if wanted(key)]) < limit:
            check(code == OK, "multi_get_opt", code)
            self.check_kvs(hash_key, kvs, moment, wanted, not options.no_value)
            return
        # With a limit: the first or the last of them.
        now, then = (
            [key for key in self.model.under(hash_key, t) if wanted(key)]
            for t in (moment.before, moment.after)
        )
        if now == then:
            expected = now[-limit:] if options.reverse else now[:limit]
            check(sorted(bytes(key) for key in kvs) == expected, hash_key, kvs, expected)

    @staticmethod
    def range_and_filter(start, stop, options):
        start, stop = to_bytes(start), to_bytes(stop)
        pattern = to_bytes(options.sortkey_filter_pattern)

        def wanted(key):
            if key < start or (key == start and not options.start_inclusive):
                return False
            if stop and (key > stop or (key == stop and not options.stop_inclusive)):
                return False
            kind = options.sortkey_filter_type
            if kind == filter_type.FT_MATCH_ANYWHERE:
                return pattern in key
            if kind == filter_type.FT_MATCH_PREFIX:
                return key.startswith(pattern)
            if kind == filter_type.FT_MATCH_POSTFIX:
                return key.endswith(pattern)
            return True

        return wanted

    @inlineCallbacks
    def get_sort_keys(self):
        hash_key = self.hash_key()
        moment = Moment()
        code, kvs = yield self.client.get_sort_keys(hash_key, 1000, 1000000, PATIENCE_MS)
        moment.end()
        check(code == OK, "get_sort_keys", code)
        in_range = self.model.ranged(hash_key, moment.before)
        self.check_kvs(hash_key, kvs, moment, lambda key: key in in_range, values=False)

    @inlineCallbacks
    def sort_key_count(self):
        hash_key = self.hash_key()
        moment = Moment()
        code, count = yield self.client.sort_key_count(hash_key, PATIENCE_MS)
        moment.end()
        at_least, at_most = (
            len(self.model.under(hash_key, t)) for t in (moment.after, moment.before)
        )
        check(code == OK and at_least <= count <= at_most, hash_key, code, count, at_least, at_most)

    @inlineCallbacks
    def multi_del(self):
        hash_key, sort_keys = self.hash_key(), self.some_sort_keys()
        code, count = yield self.client.multi_del(hash_key, sort_keys, PATIENCE_MS)
        # The answer counts what was asked for, whether or not it was there.
        check(code == OK and count == len(sort_keys), "multi_del", code, count, len(sort_keys))
        for sort_key in sort_keys:
            self.model.remove(hash_key, sort_key)

    # Scanners -----------------------------------------------------------------------------------

    def scan_options(self):
        options = ScanOptions()
        options.timeout_millis = PATIENCE_MS
        options.batch_size = self.random.choice([1, 2, 7, 1000])
        return options

    @inlineCallbacks
    def read_all(self, scanner):
        records = []
        while True:
            record = yield scanner.get_next()
            if record is None:
                break
            (hash_key, sort_key), value = record
            records.append(((to_bytes(hash_key), to_bytes(sort_key)), bytes(value)))
        scanner.close()
        return records

    @inlineCallbacks
    def hash_scan(self):
        hash_key = self.hash_key()
        start, stop = sorted([self.sort_key(), self.sort_key()], key=to_bytes)
        options = self.scan_options()
        options.start_inclusive = self.random.random() < 0.5
        options.stop_inclusive = self.random.random() < 0.5
        both_inclusive = options.start_inclusive and options.stop_inclusive
        start_inclusive, stop_inclusive = options.start_inclusive, options.stop_inclusive
        moment = Moment()
        records = yield self.read_all(self.client.get_scanner(hash_key, start, stop, options))
        moment.end()
        keys = [key for key, _ in records]
        check(keys == sorted(keys), "not in order", keys)
        low, high = to_bytes(start), to_bytes(stop)

        def wanted(key):
            if low == high and not both_inclusive:
                return False
            return (low < key or (low == key and start_inclusive)) and (
                key < high or (key == high and stop_inclusive)
            )

        check(all(key[0] == to_bytes(hash_key) for key in keys), "other hash keys", keys)
        self.check_kvs(hash_key, {key[1]: value for key, value in records}, moment, wanted)

    @inlineCallbacks
    def abandoned_scan(self):
        """A scanner closed early gives its context back."""
        # The server rightly never answers clear_scanner; the client takes that for a time-out, and
        # with the fifth of them throws all its connections away, requests under way included.
        if self.abandoned == ABANDONED_MAX:
            return
        self.abandoned += 1
        options = self.scan_options()
        options.batch_size = 1
        scanner = self.client.get_scanner(self.hash_key(), "!", "~", options)
        yield scanner.get_next()
        scanner.close()

    @inlineCallbacks
    def full_scan(self):
        split = self.random.choice([1, 3, 8, 100])
        moment = Moment()
        scanners = self.client.get_unordered_scanners(split, self.scan_options())
        check(len(scanners) == min(split, 8), "scanners", len(scanners))
        records = []
        for scanner in scanners:
            records += yield self.read_all(scanner)
        moment.end()
        observed = dict(records)
        check(len(observed) == len(records), "a record was seen twice")
        at_least, at_most = self.model.all(moment.after), self.model.all(moment.before)
        for key in at_least:
            check(key in observed, "missing", key)
        for key, value in observed.items():
            check(at_most.get(key) == value, "unexpected", key, value, at_most.get(key))

    # The two programmes ---------------------------------------------------------------------------

    def record_operations(self):
        return [self.set, self.set, self.get, self.exist, self.read_ttl, self.remove,
                self.pipelined_sets]

    def hash_key_reads(self):
        return [self.multi_get_all, self.get_sort_keys, self.sort_key_count]

    def text_operations(self):
        return self.record_operations() * 2 + self.hash_key_reads() + [
            self.multi_set, self.multi_set, self.multi_get, self.multi_get_opt,
            self.multi_get_opt, self.multi_del, self.hash_scan, self.hash_scan,
            self.abandoned_scan,
        ]
