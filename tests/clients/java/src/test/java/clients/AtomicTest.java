package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.apache.pegasus.client.CheckAndMutateOptions;
import org.apache.pegasus.client.CheckAndSetOptions;
import org.apache.pegasus.client.CheckType;
import org.apache.pegasus.client.Mutations;
import org.apache.pegasus.client.PException;
import org.junit.jupiter.api.Test;

/** Conditional and counting writes: checkAndSet, checkAndMutate, compareExchange, incr. */
class AtomicTest extends ClientTest {
  private static final byte[] KEY = bytes("s");

  /** A kind of check, what the record holds (null for no record), and whether the check passes. */
  private record Check(CheckType type, String value, String operand, boolean passes) {}

  private static final List<Check> CHECKS =
      List.of(
          new Check(CheckType.CT_NO_CHECK, null, "", true),
          new Check(CheckType.CT_VALUE_NOT_EXIST, null, "", true),
          new Check(CheckType.CT_VALUE_NOT_EXIST, "v", "", false),
          new Check(CheckType.CT_VALUE_NOT_EXIST_OR_EMPTY, null, "", true),
          new Check(CheckType.CT_VALUE_NOT_EXIST_OR_EMPTY, "", "", true),
          new Check(CheckType.CT_VALUE_NOT_EXIST_OR_EMPTY, "v", "", false),
          new Check(CheckType.CT_VALUE_EXIST, "", "", true),
          new Check(CheckType.CT_VALUE_EXIST, null, "", false),
          new Check(CheckType.CT_VALUE_NOT_EMPTY, "", "", false),
          new Check(CheckType.CT_VALUE_NOT_EMPTY, "v", "", true),
          new Check(CheckType.CT_VALUE_MATCH_ANYWHERE, "abc", "b", true),
          new Check(CheckType.CT_VALUE_MATCH_ANYWHERE, "abc", "x", false),
          new Check(CheckType.CT_VALUE_MATCH_ANYWHERE, null, "", false),
          new Check(CheckType.CT_VALUE_MATCH_PREFIX, "abc", "ab", true),
          new Check(CheckType.CT_VALUE_MATCH_PREFIX, "abc", "bc", false),
          new Check(CheckType.CT_VALUE_MATCH_POSTFIX, "abc", "bc", true),
          new Check(CheckType.CT_VALUE_MATCH_POSTFIX, "abc", "ab", false),
          new Check(CheckType.CT_VALUE_BYTES_LESS, "10", "9", true),
          new Check(CheckType.CT_VALUE_BYTES_LESS_OR_EQUAL, "9", "9", true),
          new Check(CheckType.CT_VALUE_BYTES_EQUAL, "9", "09", false),
          new Check(CheckType.CT_VALUE_BYTES_GREATER_OR_EQUAL, "9", "9", true),
          new Check(CheckType.CT_VALUE_BYTES_GREATER, "9", "10", true),
          new Check(CheckType.CT_VALUE_BYTES_LESS, null, "9", false),
          new Check(CheckType.CT_VALUE_INT_LESS, "9", "10", true),
          new Check(CheckType.CT_VALUE_INT_LESS_OR_EQUAL, "10", "10", true),
          new Check(CheckType.CT_VALUE_INT_EQUAL, "9", "0x9", true),
          new Check(CheckType.CT_VALUE_INT_GREATER_OR_EQUAL, "-1", "-2", true),
          new Check(CheckType.CT_VALUE_INT_GREATER, "10", "9", true),
          new Check(CheckType.CT_VALUE_INT_GREATER, "9", "10", false),
          new Check(CheckType.CT_VALUE_INT_EQUAL, null, "no number", false));

  @Test
  void incr() throws PException {
    assertEquals(5, client.incr(TABLE, hashKey, KEY, 5));
    assertEquals(5, client.incr(TABLE, hashKey, KEY, 0));
    assertEquals(-3, client.incr(TABLE, hashKey, KEY, -8));
    assertEquals(Long.MAX_VALUE - 3, client.incr(TABLE, hashKey, KEY, Long.MAX_VALUE));
    assertThrows(PException.class, () -> client.incr(TABLE, hashKey, KEY, 4), "an overflow");
    assertEquals("9223372036854775804", text(client.get(TABLE, hashKey, KEY)));
    client.set(TABLE, hashKey, KEY, bytes("no number"));
    assertThrows(PException.class, () -> client.incr(TABLE, hashKey, KEY, 1));
    client.set(TABLE, hashKey, KEY, bytes(""));
    assertEquals(7, table.incr(hashKey, KEY, 7, PATIENCE_MS), "an empty value counts as nothing");
  }

  @Test
  void incrAndTtl() throws PException {
    client.incr(TABLE, hashKey, KEY, 1, 1000);
    assertEquals(1000, client.ttl(TABLE, hashKey, KEY), 30);
    client.incr(TABLE, hashKey, KEY, 1, 0);
    assertEquals(1000, client.ttl(TABLE, hashKey, KEY), 30, "0 keeps what is there");
    table.incr(hashKey, KEY, 1, 5000, PATIENCE_MS);
    assertEquals(5000, client.ttl(TABLE, hashKey, KEY), 30);
    assertEquals(4, client.incr(TABLE, hashKey, KEY, 1, -1));
    assertEquals(-1, client.ttl(TABLE, hashKey, KEY), "-1 takes it away");
    assertThrows(PException.class, () -> client.incr(TABLE, hashKey, KEY, 1, -2));
  }

  /** Writes what a check wants to find; returns the sort keys for checking and for setting. */
  private byte[][] prepare(int number, Check check) throws PException {
    byte[][] keys = {{1, (byte) number}, {2, (byte) number}};
    if (check.value != null) {
      client.set(TABLE, hashKey, keys[0], bytes(check.value));
    }
    return keys;
  }

  private static void assertChecked(Check check, boolean returned, boolean exists, byte[] value) {
    assertTrue(returned, check.toString());
    assertEquals(check.value != null, exists, check.toString());
    if (check.value != null) {
      assertEquals(check.value, text(value), check.toString());
    }
  }

  @Test
  void checkAndSet() throws PException {
    for (int i = 0; i < CHECKS.size(); i++) {
      Check check = CHECKS.get(i);
      byte[][] keys = prepare(i, check);
      CheckAndSetOptions options = new CheckAndSetOptions();
      options.returnCheckValue = true;
      var result =
          client.checkAndSet(
              TABLE, hashKey, keys[0], check.type, bytes(check.operand), keys[1], bytes("v"), options);
      assertEquals(check.passes, result.isSetSucceed(), check.toString());
      assertChecked(
          check, result.isCheckValueReturned(), result.isCheckValueExist(), result.getCheckValue());
      assertEquals(check.passes, client.exist(TABLE, hashKey, keys[1]), check.toString());
    }
  }

  @Test
  void checkAndMutate() throws PException {
    for (int i = 0; i < CHECKS.size(); i++) {
      Check check = CHECKS.get(i);
      byte[][] keys = prepare(i, check);
      client.set(TABLE, hashKey, KEY, bytes("to be removed"));
      Mutations mutations = new Mutations();
      mutations.set(keys[1], bytes("v"), 700);
      mutations.del(KEY);
      CheckAndMutateOptions options = new CheckAndMutateOptions();
      options.returnCheckValue = true;
      var result =
          client.checkAndMutate(
              TABLE, hashKey, keys[0], check.type, bytes(check.operand), mutations, options);
      assertEquals(check.passes, result.isMutateSucceed(), check.toString());
      assertChecked(
          check, result.isCheckValueReturned(), result.isCheckValueExist(), result.getCheckValue());
      assertEquals(check.passes, client.exist(TABLE, hashKey, keys[1]), check.toString());
      assertEquals(!check.passes, client.exist(TABLE, hashKey, KEY), check.toString());
      if (check.passes) {
        assertEquals(700, client.ttl(TABLE, hashKey, keys[1]), 30);
      }
    }
  }

  @Test
  void laterMutationsWin() throws PException {
    Mutations mutations = new Mutations();
    mutations.set(KEY, bytes("first"));
    mutations.del(KEY);
    mutations.set(KEY, bytes("last"));
    var options = new CheckAndMutateOptions();
    var result =
        table.checkAndMutate(
            hashKey, KEY, CheckType.CT_NO_CHECK, null, mutations, options, PATIENCE_MS);
    assertTrue(result.isMutateSucceed());
    assertFalse(result.isCheckValueReturned());
    assertEquals("last", text(client.get(TABLE, hashKey, KEY)));
    assertThrows(
        PException.class,
        () ->
            client.checkAndMutate(
                TABLE, hashKey, KEY, CheckType.CT_NO_CHECK, null, new Mutations(), options));
  }

  @Test
  void checkAndSetOfOneRecord() throws PException {
    CheckAndSetOptions options = new CheckAndSetOptions();
    options.setValueTTLSeconds = 300;
    CheckType absent = CheckType.CT_VALUE_NOT_EXIST;
    var result =
        table.checkAndSet(hashKey, KEY, absent, null, KEY, bytes("mine"), options, PATIENCE_MS);
    assertTrue(result.isSetSucceed());
    assertFalse(result.isCheckValueReturned());
    assertEquals(300, client.ttl(TABLE, hashKey, KEY), 30);
    result = client.checkAndSet(TABLE, hashKey, KEY, absent, null, KEY, bytes("yours"), options);
    assertFalse(result.isSetSucceed());
    assertEquals("mine", text(client.get(TABLE, hashKey, KEY)));
  }

  @Test
  void checkOfNoNumber() throws PException {
    client.set(TABLE, hashKey, KEY, bytes("text"));
    var error =
        assertThrows(
            PException.class,
            () ->
                client.checkAndSet(
                    TABLE,
                    hashKey,
                    KEY,
                    CheckType.CT_VALUE_INT_EQUAL,
                    bytes("1"),
                    KEY,
                    bytes("v"),
                    new CheckAndSetOptions()));
    assertTrue(error.getMessage().contains("rocksdb error: 4"), error.getMessage());
  }

  @Test
  void compareExchange() throws PException {
    var result = client.compareExchange(TABLE, hashKey, KEY, bytes("a"), bytes("b"), 0);
    assertFalse(result.isSetSucceed());
    assertNull(result.getActualValue());
    client.set(TABLE, hashKey, KEY, bytes("a"));
    result = client.compareExchange(TABLE, hashKey, KEY, bytes("a"), bytes("b"), 400);
    assertTrue(result.isSetSucceed());
    assertEquals(400, client.ttl(TABLE, hashKey, KEY), 30);
    result = table.compareExchange(hashKey, KEY, bytes("a"), bytes("c"), 0, PATIENCE_MS);
    assertFalse(result.isSetSucceed());
    assertEquals("b", text(result.getActualValue()));
    assertThrows(
        PException.class,
        () -> client.compareExchange(TABLE, hashKey, KEY, bytes("b"), bytes("c"), -1));
  }
}
