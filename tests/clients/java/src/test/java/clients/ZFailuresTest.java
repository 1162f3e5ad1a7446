package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.pegasus.client.PException;
import org.junit.jupiter.api.Test;

/** Servers that stall, die and come back; last, by its name. */
class ZFailuresTest extends ClientTest {
  private static final byte[] KEY = bytes("s");
  private static final int RECOVERY_MS = 60_000;

  private interface Operation {
    boolean run() throws PException;
  }

  /** Tries until it works. */
  private static void eventually(Operation operation) {
    long deadline = System.currentTimeMillis() + RECOVERY_MS;
    String last = "the wrong answer";
    do {
      try {
        if (operation.run()) {
          return;
        }
      } catch (PException error) {
        last = error.getMessage();
      }
    } while (System.currentTimeMillis() < deadline);
    throw new AssertionError("still failing: " + last);
  }

  /** Hash keys that together meet every partition. */
  private List<byte[]> spread() {
    List<byte[]> keys = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      keys.add(join(hashKey, bytes("-" + i)));
    }
    return keys;
  }

  private void writeAll(List<byte[]> keys, String value) {
    for (byte[] key : keys) {
      eventually(
          () -> {
            table.set(key, KEY, bytes(value), 2000);
            return true;
          });
    }
  }

  private void readAll(List<byte[]> keys, String value) {
    for (byte[] key : keys) {
      eventually(() -> value.equals(text(table.get(key, KEY, 2000))));
    }
  }

  @Test
  void operationsTimeOutWhileServersStall() throws Exception {
    table.set(hashKey, KEY, bytes("v"), 0);
    control("freeze");
    try {
      var error = assertThrows(PException.class, () -> table.get(hashKey, KEY, 300));
      assertTrue(error.getMessage().contains("ERR_TIMEOUT"), error.getMessage());
    } finally {
      control("thaw");
    }
    readAll(List.of(hashKey), "v");
    control("mend");
  }

  @Test
  void failoverWhenAPrimaryDies() throws Exception {
    List<byte[]> keys = spread();
    writeAll(keys, "before");
    control("kill-primary", TABLE);
    // The open client finds the new primaries by itself.
    readAll(keys, "before");
    writeAll(keys, "after");
    control("mend");
    readAll(keys, "after");
    assertEquals(64, keys.size());
  }

  @Test
  void reconnectAfterARestartOfEverything() throws Exception {
    List<byte[]> keys = spread();
    writeAll(keys, "before");
    control("restart");
    readAll(keys, "before");
    writeAll(keys, "after");
  }
}
