package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.FilterType;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusClientFactory;
import org.apache.pegasus.client.PegasusScannerInterface;
import org.apache.pegasus.client.ScanOptions;
import org.junit.jupiter.api.Test;

/** Scanners: of one hash key, and of a whole table. */
class ScanTest extends ClientTest {
  private static ScanOptions batches(int size) {
    ScanOptions options = new ScanOptions();
    options.timeoutMillis = PATIENCE_MS;
    options.batchSize = size;
    return options;
  }

  /** The sort keys that a scanner finds, in its order. */
  private static List<String> sortKeysOf(PegasusScannerInterface scanner) throws PException {
    List<String> keys = new ArrayList<>();
    for (var item = scanner.next(); item != null; item = scanner.next()) {
      keys.add(text(item.getLeft().getRight()));
    }
    scanner.close();
    return keys;
  }

  private List<String> scan(String start, String stop, ScanOptions options) throws PException {
    return sortKeysOf(client.getScanner(TABLE, hashKey, bytes(start), bytes(stop), options));
  }

  @Test
  void batchSizes() throws PException {
    List<byte[]> sortKeys = fill(50);
    // A neighbour that begins with the same bytes.
    client.multiSet(TABLE, join(hashKey, (byte) 'x'), records(sortKeys(5)));
    for (int size : new int[] {1, 7, 50, 1000}) {
      assertEquals(texts(sortKeys), scan("", "", batches(size)));
    }
    var scanner = table.getScanner(hashKey, null, null, batches(3));
    assertEquals(texts(sortKeys), sortKeysOf(scanner));
  }

  @Test
  void hasNext() throws PException {
    List<byte[]> sortKeys = fill(5);
    try (var scanner = client.getScanner(TABLE, hashKey, null, null, batches(2))) {
      for (byte[] sortKey : sortKeys) {
        assertTrue(scanner.hasNext());
        assertTrue(scanner.hasNext());
        var item = scanner.next();
        assertEquals(text(hashKey), text(item.getLeft().getLeft()));
        assertEquals(text(sortKey), text(item.getLeft().getRight()));
        assertEquals(text(valueOf(sortKey)), text(item.getRight()));
      }
      assertFalse(scanner.hasNext());
      assertNull(scanner.next());
    }
  }

  @Test
  void ranges() throws PException {
    List<byte[]> sortKeys = fill(10);
    for (boolean startInclusive : new boolean[] {true, false}) {
      for (boolean stopInclusive : new boolean[] {true, false}) {
        ScanOptions options = batches(2);
        options.startInclusive = startInclusive;
        options.stopInclusive = stopInclusive;
        List<byte[]> part = sortKeys.subList(startInclusive ? 3 : 4, stopInclusive ? 8 : 7);
        assertEquals(texts(part), scan("s0003", "s0007", options));
      }
    }
    assertEquals(List.of(), scan("s0007", "s0003", batches(2)));
    assertThrows(
        PException.class, () -> client.getScanner(TABLE, null, null, null, new ScanOptions()));
  }

  @Test
  void filtersAndNoValue() throws PException {
    List<byte[]> sortKeys = new ArrayList<>();
    List.of("abc", "bcd", "xab", "zzz").forEach(key -> sortKeys.add(bytes(key)));
    client.multiSet(TABLE, hashKey, records(sortKeys));
    record Example(FilterType type, String pattern, List<String> wanted) {}
    for (Example example :
        List.of(
            new Example(FilterType.FT_MATCH_ANYWHERE, "bc", List.of("abc", "bcd")),
            new Example(FilterType.FT_MATCH_PREFIX, "b", List.of("bcd")),
            new Example(FilterType.FT_MATCH_POSTFIX, "ab", List.of("xab")))) {
      ScanOptions options = batches(1);
      options.sortKeyFilterType = example.type;
      options.sortKeyFilterPattern = bytes(example.pattern);
      assertEquals(example.wanted, scan("", "", new ScanOptions(options)), example.toString());
    }
    ScanOptions options = batches(3);
    options.noValue = true;
    var scanner = client.getScanner(TABLE, hashKey, null, null, options);
    for (var item = scanner.next(); item != null; item = scanner.next()) {
      assertEquals(0, item.getRight().length);
    }
  }

  @Test
  void asyncNext() throws Exception {
    List<byte[]> sortKeys = fill(10);
    var scanner = client.getScanner(TABLE, hashKey, null, null, batches(3));
    // Asked for all at once: they come in order.
    var first = scanner.asyncNext();
    var second = scanner.asyncNext();
    assertEquals(text(sortKeys.get(0)), text(first.get().getLeft().getRight()));
    assertEquals(text(sortKeys.get(1)), text(second.get().getLeft().getRight()));
    for (int i = 2; i < 10; i++) {
      assertEquals(text(sortKeys.get(i)), text(scanner.asyncNext().get().getLeft().getRight()));
    }
    assertNull(scanner.asyncNext().get());
    scanner.close();
  }

  @Test
  void closedEarly() throws PException {
    fill(10);
    // No server ever answers clear_scanner: the client waits its time and goes on.
    var impatient = options().operationTimeout(Duration.ofMillis(300)).build();
    try (var other = PegasusClientFactory.createClient(impatient)) {
      var scanner = other.getScanner(TABLE, hashKey, null, null, batches(2));
      scanner.next();
      scanner.close();
      assertNotNull(scanner.next(), "what has been fetched is still handed out");
      assertNull(scanner.next());
      assertEquals(10, other.sortKeyCount(TABLE, hashKey), "the connection is as good as before");
    }
  }

  @Test
  void aScanReadsItsOwnSnapshot() throws PException {
    List<byte[]> sortKeys = fill(6);
    var scanner = client.getScanner(TABLE, hashKey, null, null, batches(2));
    scanner.next();
    client.multiDel(TABLE, hashKey, sortKeys);
    assertEquals(texts(sortKeys.subList(1, 6)), sortKeysOf(scanner));
  }

  /** Everything that scanners find, by "hash key/sort key". No record may come twice. */
  private static Map<String, String> all(List<PegasusScannerInterface> scanners)
      throws PException {
    Map<String, String> found = new TreeMap<>();
    for (PegasusScannerInterface scanner : scanners) {
      for (var item = scanner.next(); item != null; item = scanner.next()) {
        Pair<byte[], byte[]> key = item.getLeft();
        String name = text(key.getLeft()) + "/" + text(key.getRight());
        assertNull(found.put(name, text(item.getRight())), name);
      }
      scanner.close();
    }
    return found;
  }

  @Test
  void unorderedScanners() throws PException {
    Map<String, String> expected = new TreeMap<>();
    for (int i = 0; i < 60; i++) {
      List<Pair<byte[], byte[]>> records = records(sortKeys(5));
      client.multiSet(SCAN_TABLE, bytes("hash" + i), records);
      for (var record : map(records).entrySet()) {
        expected.put("hash" + i + "/" + record.getKey(), record.getValue());
      }
    }
    for (int splits : new int[] {1, 2, 3, 5, 7, PARTITIONS, 100}) {
      var scanners = client.getUnorderedScanners(SCAN_TABLE, splits, batches(3));
      assertEquals(Math.min(splits, PARTITIONS), scanners.size());
      assertEquals(expected, all(scanners));
    }
    assertThrows(
        PException.class, () -> client.getUnorderedScanners(SCAN_TABLE, 0, new ScanOptions()));

    ScanOptions options = batches(2);
    options.hashKeyFilterType = FilterType.FT_MATCH_PREFIX;
    options.hashKeyFilterPattern = bytes("hash5");
    options.sortKeyFilterType = FilterType.FT_MATCH_POSTFIX;
    options.sortKeyFilterPattern = bytes("1");
    expected.keySet().removeIf(key -> !(key.startsWith("hash5") && key.endsWith("1")));
    assertEquals(11, expected.size());
    var filtered = client.openTable(SCAN_TABLE).getUnorderedScanners(2, options);
    assertEquals(expected, all(filtered));
  }
}
