"""Servers that stall, die and come back."""

from blocking import OK, TABLE, TIMEOUT, ClientTest, control, wait_for


class Failures(ClientTest):
    def setUp(self):
        super().setUp()
        # Keys that together meet every partition.
        self.keys = [f"{self.hash_key}-{number}" for number in range(64)]

    def write_all(self, client, value):
        for key in self.keys:
            wait_for(lambda: client.set(key, "s", value, 0, 1000) == (OK, None), f"a write of {key}")

    def read_all(self, client, value):
        for key in self.keys:
            wait_for(lambda: client.get(key, "s", 1000) == (OK, value), f"a read of {key}")

    def test_operations_time_out_while_servers_stall(self):
        client = self.open()
        self.write_all(client, b"before")
        control("freeze")
        try:
            self.assertEqual(client.get(self.keys[0], "s", 300), (TIMEOUT, None))
        finally:
            control("thaw")
        self.read_all(client, b"before")
        control("mend")

    def test_failover_when_a_primary_dies(self):
        client = self.open()
        self.write_all(client, b"before")
        control("kill-primary", TABLE)
        # The open client finds the new primaries by itself.
        self.read_all(client, b"before")
        self.write_all(client, b"after")
        control("mend")
        self.read_all(client, b"after")

    def test_reconnect_after_a_restart_of_everything(self):
        client = self.open()
        self.write_all(client, b"before")
        control("restart")
        self.read_all(client, b"before")
        self.write_all(client, b"after")
