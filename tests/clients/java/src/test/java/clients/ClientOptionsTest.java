package clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.CheckAndSetOptions;
import org.apache.pegasus.client.CheckType;
import org.apache.pegasus.client.ClientOptions;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusClientFactory;
import org.apache.pegasus.client.PegasusClientInterface;
import org.apache.pegasus.client.ScanOptions;
import org.apache.pegasus.client.TableOptions;
import org.apache.pegasus.client.retry.RetryPolicies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Making clients, opening tables, lists of meta servers, options of clients and tables, threads. */
class ClientOptionsTest extends ClientTest {
  private static final byte[] KEY = bytes("s");

  private void assertWorks(PegasusClientInterface other) throws PException {
    other.set(TABLE, hashKey, KEY, bytes("v"));
    assertEquals("v", text(other.get(TABLE, hashKey, KEY)));
  }

  private static PegasusClientInterface create(ClientOptions.Builder options) throws PException {
    return PegasusClientFactory.createClient(options.build());
  }

  @Test
  void clientsFromPropertiesAndFiles(@TempDir Path directory) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("meta_servers", metaServers());
    properties.setProperty("operation_timeout", "" + PATIENCE_MS);
    properties.setProperty("enable_perf_counter", "false");
    try (var other = PegasusClientFactory.createClient(properties)) {
      assertWorks(other);
      assertEquals(metaServers(), other.getConfiguration().getMetaServers());
    }
    Path file = directory.resolve("pegasus.properties");
    try (var writer = Files.newBufferedWriter(file)) {
      properties.store(writer, null);
    }
    try (var other = PegasusClientFactory.createClient("file://" + file)) {
      assertWorks(other);
    }
    assertThrows(
        IllegalArgumentException.class, () -> PegasusClientFactory.createClient(new Properties()));
  }

  @Test
  void singleton() throws PException {
    // Every option that the client compares must be there: it compares without looking for null.
    ClientOptions options = options().build();
    var first = PegasusClientFactory.getSingletonClient(options);
    assertSame(first, PegasusClientFactory.getSingletonClient(options));
    assertWorks(first);
    ClientOptions different = options().asyncWorkers(7).build();
    assertNotEquals(options, different);
    assertThrows(PException.class, () -> PegasusClientFactory.getSingletonClient(different));
    PegasusClientFactory.closeSingletonClient();
  }

  @Test
  void metaListWithDeadEntries() throws Exception {
    try (ServerSocket silent = new ServerSocket(0)) {
      String list =
          String.join(
              ",", deadAddress(), "127.0.0.1:" + silent.getLocalPort(), metaServers());
      Duration limit = Duration.ofMillis(500);
      try (var other = create(options().metaServers(list).metaQueryTimeout(limit))) {
        assertWorks(other);
      }
    }
  }

  @Test
  void metaServerByName() throws PException {
    // One name is looked up; it stands for all its addresses.
    String port = metaServers().split(",")[0].split(":")[1];
    try (var other = create(options().metaServers("localhost:" + port))) {
      assertWorks(other);
    }
  }

  @Test
  void tablesThatCannotBeOpened() throws Exception {
    var error = assertThrows(PException.class, () -> client.openTable("no-such-table"));
    assertTrue(error.getMessage().contains("ERR_OBJECT_NOT_FOUND"), error.getMessage());
    assertThrows(PException.class, () -> client.get("no-such-table", hashKey, KEY));
    var options = options().metaServers(deadAddress()).metaQueryTimeout(Duration.ofMillis(300));
    try (var other = create(options)) {
      assertThrows(PException.class, () -> other.openTable(TABLE));
    }
  }

  @Test
  void tableIsOpenedOnce() throws PException {
    assertSame(table, client.openTable(TABLE));
  }

  @Test
  @SuppressWarnings("deprecation")
  void backupRequests() throws PException {
    // After a millisecond without an answer, reads are sent to a secondary too; the first answer
    // wins. Either way the value is the one that was written before.
    var options = options();
    try (var other = create(options)) {
      other.openTable(TABLE, new TableOptions().withBackupRequestDelayMs(1));
      for (int i = 0; i < 200; i++) {
        byte[] key = join(hashKey, bytes("" + i));
        other.set(TABLE, key, KEY, bytes("" + i));
        assertEquals("" + i, text(client.get(TABLE, key, KEY)));
        byte[] read = other.get(TABLE, key, KEY);
        // A secondary may not yet have committed the write.
        assertTrue(read == null || text(read).equals("" + i));
        other.ttl(TABLE, key, KEY);
        other.multiGet(TABLE, key, new ArrayList<>(), new ArrayList<>());
      }
    }
    try (var other = create(options)) {
      other.openTable(TABLE, 1000);
      assertWorks(other);
    }
  }

  @Test
  void compression() throws PException {
    byte[] value = new byte[100_000];
    try (var other = create(options())) {
      var compressed = other.openTable(TABLE, new TableOptions().withCompression(true));
      compressed.set(hashKey, KEY, value, 0);
      assertArrayEquals(value, compressed.get(hashKey, KEY, 0));
      assertTrue(client.get(TABLE, hashKey, KEY).length < 1000, "it is stored compressed");
      compressed.multiSet(hashKey, List.of(Pair.of(bytes("m"), value)), 0);
      var found = compressed.multiGet(hashKey, List.of(bytes("m")), 0);
      assertArrayEquals(value, found.getValues().get(0).getValue());
      compressed.checkAndSet(
          hashKey,
          bytes("c"),
          CheckType.CT_VALUE_NOT_EXIST,
          null,
          bytes("c"),
          value,
          new CheckAndSetOptions(),
          0);
      assertArrayEquals(value, compressed.get(hashKey, bytes("c"), 0));
      // What was stored without compression is read as it is.
      client.set(TABLE, hashKey, bytes("plain"), bytes("plain"));
      assertEquals("plain", text(compressed.get(hashKey, bytes("plain"), 0)));
      ScanOptions scan = new ScanOptions();
      scan.batchSize = 1;
      var scanner = compressed.getScanner(hashKey, bytes("c"), bytes("s"), scan);
      // The first batch comes from get_scanner, which the client does not decompress.
      assertTrue(scanner.next().getRight().length < 1000);
      assertArrayEquals(value, scanner.next().getRight());
      scanner.next();
    }
  }

  @Test
  void retryPolicies() throws PException {
    for (RetryPolicies policy : RetryPolicies.values()) {
      var options =
          options()
              .retryPolicy(policy)
              .retryBaseInterval(Duration.ofMillis(10))
              .retryMaxTimes(5)
              .sessionResetTimeWindowSecs(10);
      try (var other = create(options)) {
        assertWorks(other);
      }
    }
  }

  @Test
  void perfCounters() throws Exception {
    // The client names its machine by such an address, and does not work without one.
    assumeTrue(
        NetworkInterface.networkInterfaces()
            .flatMap(NetworkInterface::inetAddresses)
            .anyMatch(InetAddress::isSiteLocalAddress));
    var options =
        options()
            .enablePerfCounter(true)
            .falconPerfCounterTags("suite=clients")
            .falconPushInterval(Duration.ofSeconds(1));
    try (var other = create(options)) {
      assertWorks(other);
    }
  }

  @Test
  void manyThreads() throws Exception {
    int threads = 16;
    int rounds = 100;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      byte[] own = join(hashKey, bytes("-" + thread));
      tasks.add(
          () -> {
            for (int round = 0; round < rounds; round++) {
              client.set(TABLE, own, KEY, bytes("" + round));
              assertEquals("" + round, text(client.get(TABLE, own, KEY)));
              client.incr(TABLE, hashKey, KEY, 1);
            }
            return null;
          });
    }
    for (Future<Void> result : pool.invokeAll(tasks)) {
      result.get();
    }
    pool.shutdown();
    assertEquals(threads * rounds, client.incr(TABLE, hashKey, KEY, 0));
  }

  @Test
  void closedClient() throws PException {
    var other = create(options());
    assertWorks(other);
    other.close();
    other.close();
  }
}
