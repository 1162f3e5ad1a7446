"""What a table must hold after the operations so far: a plain dictionary."""

from pypegasus.utils.tools import epoch_now


def to_bytes(text):
    return text.encode("utf-8") if isinstance(text, str) else bytes(text)


class Mismatch(Exception):
    """An answer that the model does not allow."""


def check(condition, *what):
    if not condition:
        raise Mismatch(" ".join(repr(part) for part in what))


class Model:
    """What a table must hold: (hash key, sort key) -> (value, expiry in epoch seconds or 0)."""

    def __init__(self):
        self.records = {}

    def set(self, hash_key, sort_key, value, expiry):
        self.records[to_bytes(hash_key), to_bytes(sort_key)] = (to_bytes(value), expiry)

    def remove(self, hash_key, sort_key):
        self.records.pop((to_bytes(hash_key), to_bytes(sort_key)), None)

    def get(self, hash_key, sort_key, now):
        """The record at a time, or None."""
        record = self.records.get((to_bytes(hash_key), to_bytes(sort_key)))
        return record if record and (record[1] == 0 or record[1] > now) else None

    def under(self, hash_key, now):
        """The records of a hash key at a time: {sort key: value}, by sort key."""
        hash_key = to_bytes(hash_key)
        found = {
            key[1]: value
            for key, (value, expiry) in self.records.items()
            if key[0] == hash_key and (expiry == 0 or expiry > now)
        }
        return dict(sorted(found.items()))

    def ranged(self, hash_key, now):
        """The records that multi_get without sort keys reads. The client then leaves the field
        start_inclusive out, which means "false": the empty sort key is skipped."""
        return {key: value for key, value in self.under(hash_key, now).items() if key != b""}

    def all(self, now):
        return {
            key: value
            for key, (value, expiry) in self.records.items()
            if expiry == 0 or expiry > now
        }


class Moment:
    """The time of an operation. A record that expires while it runs may or may not be seen."""

    def __init__(self):
        self.before = epoch_now()
        self.after = None

    def end(self):
        self.after = epoch_now()
        return self
