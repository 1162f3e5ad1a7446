package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.DelRangeOptions;
import org.apache.pegasus.client.FilterType;
import org.apache.pegasus.client.MultiGetOptions;
import org.apache.pegasus.client.PException;
import org.junit.jupiter.api.Test;

/** Calls on the records of one hash key: multiGet and its kin, multiSet, multiDel, delRange. */
class HashKeysTest extends ClientTest {
  private static List<byte[]> keys(String... texts) {
    List<byte[]> keys = new ArrayList<>();
    for (String text : texts) {
      keys.add(bytes(text));
    }
    return keys;
  }

  /** The sort keys under the test's hash key. */
  private List<String> remaining() throws PException {
    List<byte[]> found = new ArrayList<>();
    assertTrue(client.multiGetSortKeys(TABLE, hashKey, -1, -1, found));
    return texts(found);
  }

  @Test
  void multiSetMultiGetMultiDel() throws PException {
    List<byte[]> sortKeys = fill(20);
    List<Pair<byte[], byte[]>> found = new ArrayList<>();
    // Asked for in any order, even twice: the client sorts them.
    assertTrue(client.multiGet(TABLE, hashKey, keys("s0017", "absent", "s0003", "s0017"), found));
    assertEquals(expected(keys("s0003", "s0017")), map(found));
    found.clear();
    assertTrue(client.multiGet(TABLE, hashKey, new ArrayList<>(), found));
    assertEquals(expected(sortKeys), map(found));

    List<byte[]> doomed = new ArrayList<>(sortKeys.subList(0, 15));
    doomed.add(bytes("absent"));
    client.multiDel(TABLE, hashKey, doomed);
    assertEquals(texts(sortKeys.subList(15, 20)), remaining());
    assertEquals(5, client.sortKeyCount(TABLE, hashKey));
  }

  @Test
  void throughATable() throws PException {
    List<byte[]> sortKeys = sortKeys(10);
    table.multiSet(hashKey, records(sortKeys), PATIENCE_MS);
    assertEquals(10, table.sortKeyCount(hashKey, PATIENCE_MS));
    var all = table.multiGet(hashKey, new ArrayList<>(), PATIENCE_MS);
    assertTrue(all.isAllFetched());
    assertEquals(expected(sortKeys), map(all.getValues()));
    var some = table.multiGet(hashKey, new ArrayList<>(), 3, -1, PATIENCE_MS);
    assertFalse(some.isAllFetched());
    assertEquals(expected(sortKeys.subList(0, 3)), map(some.getValues()));
    var keys = table.multiGetSortKeys(hashKey, 4, -1, PATIENCE_MS);
    assertFalse(keys.allFetched);
    assertEquals(texts(sortKeys.subList(0, 4)), texts(keys.keys));
    keys = table.multiGetSortKeys(hashKey, PATIENCE_MS);
    assertTrue(keys.allFetched);
    var range =
        table.multiGet(hashKey, bytes("s0002"), bytes("s0004"), new MultiGetOptions(), PATIENCE_MS);
    assertEquals(expected(sortKeys.subList(2, 4)), map(range.getValues()));
    range =
        table.multiGet(hashKey, null, null, new MultiGetOptions(), 2, -1, PATIENCE_MS);
    assertEquals(expected(sortKeys.subList(0, 2)), map(range.getValues()));
    table.multiDel(hashKey, sortKeys, PATIENCE_MS);
    assertEquals(0, table.sortKeyCount(hashKey, PATIENCE_MS));
    table.multiSet(hashKey, records(sortKeys), 500, PATIENCE_MS);
    table.delRange(hashKey, null, null, new DelRangeOptions(), PATIENCE_MS);
    assertEquals(0, table.sortKeyCount(hashKey, PATIENCE_MS));
  }

  @Test
  void multiSetWithTtl() throws PException {
    client.multiSet(TABLE, hashKey, List.of(Pair.of(bytes(""), bytes("v"))), 500);
    assertEquals(500, client.ttl(TABLE, hashKey, bytes("")), 30);
  }

  @Test
  void limits() throws PException {
    List<byte[]> sortKeys = fill(150);
    List<Pair<byte[], byte[]>> found = new ArrayList<>();
    assertFalse(client.multiGet(TABLE, hashKey, new ArrayList<>(), found), "a hundred by default");
    assertEquals(100, found.size());
    found.clear();
    assertFalse(client.multiGet(TABLE, hashKey, sortKeys, 7, -1, found));
    assertEquals(7, found.size());
    found.clear();
    // A record has 5 + 14 bytes; the one that crosses the limit is still there.
    assertFalse(client.multiGet(TABLE, hashKey, new ArrayList<>(), -1, 100, found));
    assertEquals(6, found.size());
    found.clear();
    assertTrue(client.multiGet(TABLE, hashKey, new ArrayList<>(), -1, -1, found));
    assertEquals(expected(sortKeys), map(found));
    List<byte[]> keys = new ArrayList<>();
    assertFalse(client.multiGetSortKeys(TABLE, hashKey, keys));
    assertEquals(100, keys.size());
  }

  private Map<String, String> range(String start, String stop, MultiGetOptions options)
      throws PException {
    List<Pair<byte[], byte[]>> found = new ArrayList<>();
    assertTrue(client.multiGet(TABLE, hashKey, bytes(start), bytes(stop), options, found));
    return map(found);
  }

  @Test
  void ranges() throws PException {
    List<byte[]> sortKeys = fill(10);
    for (boolean startInclusive : new boolean[] {true, false}) {
      for (boolean stopInclusive : new boolean[] {true, false}) {
        MultiGetOptions options = new MultiGetOptions();
        options.startInclusive = startInclusive;
        options.stopInclusive = stopInclusive;
        List<byte[]> part = sortKeys.subList(startInclusive ? 2 : 3, stopInclusive ? 7 : 6);
        assertEquals(expected(part), range("s0002", "s0006", options));
      }
    }
    assertEquals(expected(sortKeys), range("", "", new MultiGetOptions()));
    assertEquals(Map.of(), range("s0006", "s0002", new MultiGetOptions()));
  }

  @Test
  void reverse() throws PException {
    List<byte[]> sortKeys = fill(10);
    MultiGetOptions options = new MultiGetOptions();
    options.reverse = true;
    List<Pair<byte[], byte[]>> found = new ArrayList<>();
    assertFalse(client.multiGet(TABLE, hashKey, null, null, options, 3, -1, found));
    assertEquals(expected(sortKeys.subList(7, 10)), map(found), "the last ones, ascending");
  }

  @Test
  void filtersAndNoValue() throws PException {
    client.multiSet(TABLE, hashKey, records(keys("abc", "bcd", "xab", "zzz")));
    record Example(FilterType type, String pattern, List<String> wanted) {}
    for (Example example :
        List.of(
            new Example(FilterType.FT_NO_FILTER, "zz", List.of("abc", "bcd", "xab", "zzz")),
            new Example(FilterType.FT_MATCH_ANYWHERE, "bc", List.of("abc", "bcd")),
            new Example(FilterType.FT_MATCH_PREFIX, "b", List.of("bcd")),
            new Example(FilterType.FT_MATCH_POSTFIX, "ab", List.of("xab")),
            new Example(FilterType.FT_MATCH_ANYWHERE, "", List.of("abc", "bcd", "xab", "zzz")),
            new Example(FilterType.FT_MATCH_PREFIX, "longer than any", List.of()))) {
      MultiGetOptions options = new MultiGetOptions();
      options.sortKeyFilterType = example.type;
      options.sortKeyFilterPattern = bytes(example.pattern);
      options.noValue = true;
      Map<String, String> found = range("", "", new MultiGetOptions(options));
      assertEquals(example.wanted, List.copyOf(found.keySet()), example.toString());
      found.values().forEach(value -> assertEquals("", value));
    }
  }

  @Test
  void delRange() throws PException {
    List<byte[]> sortKeys = fill(20);
    List<String> left = new ArrayList<>(texts(sortKeys));
    client.delRange(TABLE, hashKey, bytes("s0002"), bytes("s0005"), new DelRangeOptions());
    left.subList(2, 5).clear();
    assertEquals(left, remaining());

    DelRangeOptions options = new DelRangeOptions();
    options.startInclusive = false;
    options.stopInclusive = true;
    client.delRange(TABLE, hashKey, bytes("s0005"), bytes("s0008"), options);
    left.subList(3, 6).clear();
    assertEquals(left, remaining());

    options = new DelRangeOptions();
    options.sortKeyFilterType = FilterType.FT_MATCH_POSTFIX;
    options.sortKeyFilterPattern = bytes("5");
    client.delRange(TABLE, hashKey, null, null, options);
    left.removeIf(key -> key.endsWith("5"));
    assertEquals(left, remaining());
  }

  @Test
  void delRangeOfManyRecords() throws PException {
    // More than one batch of the client's scan and of its multi_remove.
    for (String part : List.of("a", "b", "c")) {
      List<Pair<byte[], byte[]>> records = new ArrayList<>();
      sortKeys(300).forEach(key -> records.add(Pair.of(join(bytes(part), key), key)));
      client.multiSet(TABLE, hashKey, records);
    }
    assertEquals(900, client.sortKeyCount(TABLE, hashKey));
    client.delRange(TABLE, hashKey, null, null, new DelRangeOptions());
    assertEquals(0, client.sortKeyCount(TABLE, hashKey));
  }

  @Test
  void argumentsThatTheClientRefuses() {
    List<Pair<byte[], byte[]>> none = new ArrayList<>();
    assertThrows(PException.class, () -> client.multiSet(TABLE, hashKey, none));
    assertThrows(PException.class, () -> client.multiSet(TABLE, hashKey, null));
    assertThrows(PException.class, () -> client.multiDel(TABLE, hashKey, new ArrayList<>()));
    assertThrows(PException.class, () -> client.multiSet(TABLE, new byte[0], records(keys("a"))));
    List<byte[]> withNull = new ArrayList<>();
    withNull.add(null);
    assertThrows(PException.class, () -> client.multiGet(TABLE, hashKey, withNull, none));
    assertThrows(PException.class, () -> client.multiGetSortKeys(TABLE, hashKey, null));
    var options = new DelRangeOptions();
    assertThrows(PException.class, () -> client.delRange(TABLE, null, null, null, options));
  }
}
