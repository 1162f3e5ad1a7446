"""Opening tables, lists of meta servers, time limits, and many requests at once."""

import socket

from twisted.internet import defer

from blocking import BINARY_TABLE, OK, SCAN_TABLE, TABLE, Client, ClientTest, blocking, metas


def dead_address():
    """An address where nobody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % server.getsockname()[1]


class Opening(ClientTest):
    def failing(self, table=TABLE, **options):
        client = Client(table, **options)
        self.addCleanup(client.close)
        return client

    def test_table_that_does_not_exist(self):
        self.assertIsNone(self.failing("no-such-table").init())

    def test_no_meta_server_answers(self):
        self.assertIsNone(self.failing(addresses=[dead_address()]).init())

    def test_silent_meta_server(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = "127.0.0.1:%d" % server.getsockname()[1]
            self.assertIsNone(self.failing(addresses=[address], timeout=300).init())

    def test_addresses_that_the_client_refuses(self):
        with self.assertRaises(ValueError):
            Client(TABLE, ["nonsense"])
        with self.assertRaises(OSError, msg="it takes no names"):
            Client(TABLE, ["localhost:34601"])

    def test_meta_list_with_a_dead_entry(self):
        client = self.open(addresses=[dead_address(), *metas()])
        self.assert_ok(client.set(self.hash_key, "s", "v"))

    def test_clients_of_several_tables(self):
        clients = [self.open(table) for table in (TABLE, SCAN_TABLE, BINARY_TABLE)]
        for number, client in enumerate(clients):
            self.assert_ok(client.set(self.hash_key, "s", str(number)))
        for number, client in enumerate(clients):
            self.assertEqual(client.get(self.hash_key, "s"), (OK, str(number).encode()))
            self.assert_ok(client.remove(self.hash_key, "s"))


class Concurrency(ClientTest):
    def test_many_requests_at_once(self):
        client = self.open()

        def all_at_once(call):
            return blocking(lambda: defer.gatherResults([call(number) for number in range(500)]))

        def key(number):
            return f"{self.hash_key}-{number}"

        inner = client.inner
        answers = all_at_once(lambda number: inner.set(key(number), "s", str(number)))
        self.assertEqual({code for code, _ in answers}, {OK})
        answers = all_at_once(lambda number: inner.get(key(number), "s"))
        self.assertEqual(answers, [(OK, str(number).encode()) for number in range(500)])
