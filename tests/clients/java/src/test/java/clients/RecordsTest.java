package clients;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusClientFactory;
import org.apache.pegasus.client.PegasusClientInterface;
import org.junit.jupiter.api.Test;

/** Calls on one record: set, get, del, exist, ttl, through the client and through a table. */
class RecordsTest extends ClientTest {
  private static final byte[] KEY = bytes("s");
  private static final byte[] EMPTY = {};

  @Test
  void setGetDel() throws PException {
    assertNull(client.get(TABLE, hashKey, KEY));
    client.set(TABLE, hashKey, KEY, bytes("first"));
    client.set(TABLE, hashKey, KEY, bytes("second"));
    assertEquals("second", text(client.get(TABLE, hashKey, KEY)));
    client.del(TABLE, hashKey, KEY);
    assertNull(client.get(TABLE, hashKey, KEY));
    client.del(TABLE, hashKey, KEY);
  }

  @Test
  void throughATable() throws PException {
    table.set(hashKey, KEY, bytes("v"), PATIENCE_MS);
    assertEquals("v", text(table.get(hashKey, KEY, PATIENCE_MS)));
    assertTrue(table.exist(hashKey, KEY, PATIENCE_MS));
    table.set(hashKey, KEY, bytes("v"), 1000, PATIENCE_MS);
    assertEquals(1000, table.ttl(hashKey, KEY, PATIENCE_MS), 30);
    // No limit of its own: the table's.
    table.del(hashKey, KEY, 0);
    assertFalse(table.exist(hashKey, KEY, 0));
  }

  @Test
  void exist() throws PException {
    assertFalse(client.exist(TABLE, hashKey, KEY));
    client.set(TABLE, hashKey, KEY, EMPTY);
    assertTrue(client.exist(TABLE, hashKey, KEY));
  }

  @Test
  void emptyAndMissingKeys() throws PException {
    client.set(TABLE, hashKey, EMPTY, EMPTY);
    assertArrayEquals(EMPTY, client.get(TABLE, hashKey, EMPTY));
    client.set(TABLE, hashKey, null, bytes("v"));
    assertEquals("v", text(client.get(TABLE, hashKey, EMPTY)));
    // A record without a hash key is placed by its sort key.
    for (byte[] none : new byte[][] {EMPTY, null}) {
      client.set(TABLE, none, hashKey, bytes("v"));
      assertEquals("v", text(client.get(TABLE, none, hashKey)));
    }
  }

  @Test
  void binaryKeysAndValues() throws PException {
    byte[] ones = new byte[20];
    Arrays.fill(ones, (byte) 0xff);
    List<byte[]> keys = List.of(new byte[] {0}, new byte[] {-1, -1}, ones, everyByte());
    for (byte[] hash : keys) {
      for (byte[] sort : keys) {
        client.set(TABLE, hash, sort, join(sort, everyByte()));
        assertArrayEquals(join(sort, everyByte()), client.get(TABLE, hash, sort));
        client.del(TABLE, hash, sort);
      }
    }
  }

  @Test
  void keysThatArePrefixesOfEachOther() throws PException {
    String[][] pairs = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"a", "b"}};
    for (String[] pair : pairs) {
      client.set(TABLE, join(hashKey, bytes(pair[0])), bytes(pair[1]), bytes(String.join("/", pair)));
    }
    for (String[] pair : pairs) {
      byte[] value = client.get(TABLE, join(hashKey, bytes(pair[0])), bytes(pair[1]));
      assertEquals(String.join("/", pair), text(value));
    }
  }

  @Test
  void ttl() throws PException {
    assertEquals(-2, client.ttl(TABLE, hashKey, KEY));
    client.set(TABLE, hashKey, KEY, bytes("v"));
    assertEquals(-1, client.ttl(TABLE, hashKey, KEY));
    client.set(TABLE, hashKey, KEY, bytes("v"), 1000);
    assertEquals(1000, client.ttl(TABLE, hashKey, KEY), 30);
    client.set(TABLE, hashKey, KEY, bytes("v"), 0);
    assertEquals(-1, client.ttl(TABLE, hashKey, KEY));
  }

  @Test
  void recordsExpire() throws Exception {
    client.set(TABLE, hashKey, KEY, bytes("v"), 1);
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (client.get(TABLE, hashKey, KEY) != null) {
      assertTrue(System.currentTimeMillis() < deadline, "the record does not expire");
    }
    assertFalse(client.exist(TABLE, hashKey, KEY));
    assertEquals(0, client.sortKeyCount(TABLE, hashKey));
  }

  @Test
  void largeValues() throws PException {
    byte[] large = new byte[400 * 1024];
    Arrays.fill(large, (byte) 'x');
    client.set(TABLE, hashKey, KEY, large);
    assertArrayEquals(large, client.get(TABLE, hashKey, KEY));
    // The client itself refuses larger ones, unless told not to.
    assertThrows(PException.class, () -> client.set(TABLE, hashKey, KEY, join(large, (byte) 0)));
    var unlimited = PegasusClientFactory.createClient(options().enableWriteLimit(false).build());
    try (PegasusClientInterface other = unlimited) {
      byte[] larger = new byte[1_040_000];
      other.set(TABLE, hashKey, KEY, larger);
      assertArrayEquals(larger, other.get(TABLE, hashKey, KEY));
      // The server takes requests of up to 1 MiB.
      byte[] tooLarge = new byte[2 << 20];
      var error = assertThrows(PException.class, () -> other.set(TABLE, hashKey, KEY, tooLarge));
      assertTrue(error.getMessage().contains("ERR_INVALID_DATA"), error.getMessage());
      assertArrayEquals(larger, other.get(TABLE, hashKey, KEY));
    }
  }

  @Test
  void longKeys() throws PException {
    var unlimited = PegasusClientFactory.createClient(options().enableWriteLimit(false).build());
    try (PegasusClientInterface other = unlimited) {
      byte[] longest = new byte[0xFFFE];
      byte[] longSortKey = new byte[100_000];
      other.set(TABLE, longest, longSortKey, bytes("v"));
      assertEquals("v", text(other.get(TABLE, longest, longSortKey)));
      other.del(TABLE, longest, longSortKey);
      assertThrows(
          IllegalArgumentException.class, () -> other.get(TABLE, new byte[0xFFFF], longSortKey));
    }
    assertThrows(PException.class, () -> client.set(TABLE, new byte[1025], KEY, KEY));
    assertThrows(PException.class, () -> client.set(TABLE, KEY, new byte[1025], KEY));
  }

  @Test
  void argumentsThatTheClientRefuses() {
    assertThrows(PException.class, () -> client.set(TABLE, hashKey, KEY, null));
    assertThrows(PException.class, () -> client.set(TABLE, hashKey, KEY, KEY, -1));
    assertThrows(PException.class, () -> client.sortKeyCount(TABLE, EMPTY));
    assertThrows(PException.class, () -> client.sortKeyCount(TABLE, new byte[0xFFFF]));
  }
}
