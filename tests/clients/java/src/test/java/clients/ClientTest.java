package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.ClientOptions;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusClientFactory;
import org.apache.pegasus.client.PegasusClientInterface;
import org.apache.pegasus.client.PegasusTableInterface;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/**
 * A test with an open client, and a hash key that no other test uses. tests/clients/run starts the
 * cluster and says in the environment where it is.
 */
abstract class ClientTest {
  /** How long an operation may take. Generous: a slow machine is not what is tested. */
  static final int PATIENCE_MS = 30_000;

  /** A table for everything, and one that only the full scans write to. */
  static final String TABLE = "temp";

  static final String SCAN_TABLE = "scan";

  /** Partitions of both. */
  static final int PARTITIONS = 8;

  /** One client for all tests of a class: closing one takes two seconds. */
  static PegasusClientInterface client;

  static PegasusTableInterface table;
  byte[] hashKey;

  @BeforeAll
  static void open() throws PException {
    client = PegasusClientFactory.createClient(options().build());
    table = client.openTable(TABLE);
  }

  @AfterAll
  static void close() {
    client.close();
  }

  @BeforeEach
  void chooseHashKey(TestInfo test) {
    hashKey = bytes(test.getDisplayName() + UUID.randomUUID());
  }

  static ClientOptions.Builder options() {
    return ClientOptions.builder()
        .metaServers(metaServers())
        .operationTimeout(Duration.ofMillis(PATIENCE_MS))
        .enablePerfCounter(false);
  }

  static String metaServers() {
    return System.getenv("PEGASUS_META");
  }

  /** Breaks or mends the cluster: see tests/clients/control. */
  static void control(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(System.getenv("PEGASUS_CONTROL")));
    command.addAll(Arrays.asList(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
  }

  /** An address where nobody listens. */
  static String deadAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return "127.0.0.1:" + socket.getLocalPort();
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static byte[] join(byte[] first, byte... second) {
    byte[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  /** All bytes that there are. */
  static byte[] everyByte() {
    byte[] every = new byte[256];
    for (int i = 0; i < every.length; i++) {
      every[i] = (byte) i;
    }
    return every;
  }

  /** "s0000", "s0001", ... */
  static List<byte[]> sortKeys(int count) {
    List<byte[]> keys = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      keys.add(bytes(String.format("s%04d", i)));
    }
    return keys;
  }

  static byte[] valueOf(byte[] sortKey) {
    return bytes("value of " + text(sortKey));
  }

  static List<Pair<byte[], byte[]>> records(List<byte[]> sortKeys) {
    List<Pair<byte[], byte[]>> records = new ArrayList<>();
    sortKeys.forEach(key -> records.add(Pair.of(key, valueOf(key))));
    return records;
  }

  /** Writes that many records under the test's hash key. */
  List<byte[]> fill(int count) throws PException {
    List<byte[]> keys = sortKeys(count);
    client.multiSet(TABLE, hashKey, records(keys));
    return keys;
  }

  static List<String> texts(List<byte[]> list) {
    return list.stream().map(ClientTest::text).toList();
  }

  /** Pairs as text, in their order. */
  static Map<String, String> map(List<Pair<byte[], byte[]>> pairs) {
    Map<String, String> map = new LinkedHashMap<>();
    pairs.forEach(pair -> map.put(text(pair.getLeft()), text(pair.getRight())));
    return map;
  }

  static Map<String, String> expected(List<byte[]> sortKeys) {
    return map(records(sortKeys));
  }
}
