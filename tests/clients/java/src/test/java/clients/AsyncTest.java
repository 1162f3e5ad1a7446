package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.pegasus.apps.batch_get_request;
import org.apache.pegasus.apps.full_key;
import org.apache.pegasus.base.blob;
import org.apache.pegasus.client.CheckAndMutateOptions;
import org.apache.pegasus.client.CheckAndSetOptions;
import org.apache.pegasus.client.CheckType;
import org.apache.pegasus.client.FutureGroup;
import org.apache.pegasus.client.MultiGetOptions;
import org.apache.pegasus.client.Mutations;
import org.apache.pegasus.client.PException;
import org.junit.jupiter.api.Test;

/** The calls that return futures. */
class AsyncTest extends ClientTest {
  private static final byte[] KEY = bytes("s");

  @Test
  void singleRecords() throws Exception {
    assertNull(table.asyncGet(hashKey, KEY, 0).get());
    assertFalse(table.asyncExist(hashKey, KEY, 0).get());
    assertEquals(-2, table.asyncTTL(hashKey, KEY, 0).get());
    table.asyncSet(hashKey, KEY, bytes("v"), 0).get();
    table.asyncSet(hashKey, KEY, bytes("v"), 1000, PATIENCE_MS).get();
    assertEquals("v", text(table.asyncGet(hashKey, KEY, 0).get()));
    assertTrue(table.asyncExist(hashKey, KEY, 0).get());
    assertEquals(1000, table.asyncTTL(hashKey, KEY, 0).get(), 30);
    table.asyncDel(hashKey, KEY, 0).get();
    assertFalse(table.asyncExist(hashKey, KEY, 0).get());
  }

  @Test
  void recordsOfOneHashKey() throws Exception {
    List<byte[]> sortKeys = sortKeys(10);
    table.asyncMultiSet(hashKey, records(sortKeys), 0).get();
    table.asyncMultiSet(hashKey, records(sortKeys), 1000, 0).get();
    assertEquals(10, table.asyncSortKeyCount(hashKey, 0).get());
    var found = table.asyncMultiGet(hashKey, new ArrayList<>(), 0).get();
    assertEquals(expected(sortKeys), map(found.getValues()));
    found = table.asyncMultiGet(hashKey, sortKeys, 3, -1, 0).get();
    assertFalse(found.isAllFetched());
    MultiGetOptions options = new MultiGetOptions();
    found = table.asyncMultiGet(hashKey, bytes("s0002"), bytes("s0005"), options, 0).get();
    assertEquals(expected(sortKeys.subList(2, 5)), map(found.getValues()));
    found = table.asyncMultiGet(hashKey, null, null, options, 2, -1, 0).get();
    assertEquals(2, found.getValues().size());
    assertEquals(texts(sortKeys), texts(table.asyncMultiGetSortKeys(hashKey, 0).get().keys));
    assertEquals(4, table.asyncMultiGetSortKeys(hashKey, 4, -1, 0).get().keys.size());
    table.asyncMultiDel(hashKey, sortKeys, 0).get();
    assertEquals(0, table.asyncSortKeyCount(hashKey, 0).get());
  }

  @Test
  void atomicWrites() throws Exception {
    assertEquals(3, table.asyncIncr(hashKey, KEY, 3, 0).get());
    assertEquals(5, table.asyncIncr(hashKey, KEY, 2, 1000, 0).get());
    var set =
        table.asyncCheckAndSet(
            hashKey,
            KEY,
            CheckType.CT_VALUE_INT_EQUAL,
            bytes("5"),
            KEY,
            bytes("6"),
            new CheckAndSetOptions(),
            0);
    assertTrue(set.get().isSetSucceed());
    Mutations mutations = new Mutations();
    mutations.set(KEY, bytes("7"));
    var mutate =
        table.asyncCheckAndMutate(
            hashKey,
            KEY,
            CheckType.CT_VALUE_EXIST,
            null,
            mutations,
            new CheckAndMutateOptions(),
            0);
    assertTrue(mutate.get().isMutateSucceed());
    var exchange = table.asyncCompareExchange(hashKey, KEY, bytes("7"), bytes("8"), 0, 0);
    assertTrue(exchange.get().isSetSucceed());
    assertEquals("8", text(table.asyncGet(hashKey, KEY, 0).get()));
  }

  @Test
  void batchGet() throws Exception {
    List<byte[]> sortKeys = sortKeys(3);
    table.asyncMultiSet(hashKey, records(sortKeys), 0).get();
    batch_get_request request = new batch_get_request(new ArrayList<>());
    for (byte[] sortKey : List.of(sortKeys.get(2), bytes("absent"), sortKeys.get(0))) {
      request.keys.add(new full_key(new blob(hashKey), new blob(sortKey)));
    }
    var found = table.asyncBatchGet(request, 0).get();
    assertTrue(found.isAllFetched());
    assertEquals(2, found.getValueMap().size());
  }

  @Test
  void listeners() throws Exception {
    CountDownLatch done = new CountDownLatch(100);
    for (int i = 0; i < 100; i++) {
      byte[] key = join(hashKey, bytes("" + i));
      table
          .asyncSet(key, KEY, bytes("v"), 0)
          .addListener(
              future -> {
                if (future.isSuccess()) {
                  done.countDown();
                }
              });
    }
    assertTrue(done.await(PATIENCE_MS, TimeUnit.MILLISECONDS));
  }

  @Test
  void failuresAreTheFutures() {
    var future = table.asyncSet(hashKey, KEY, null, 0);
    var error = assertThrows(ExecutionException.class, future::get);
    assertTrue(error.getCause() instanceof PException);
  }

  @Test
  void groups() throws PException {
    FutureGroup<Void> group = new FutureGroup<>(20);
    FutureGroup<Void> failing = new FutureGroup<>(2);
    for (int i = 0; i < 20; i++) {
      group.add(table.asyncSet(hashKey, bytes("" + i), bytes("v"), 0));
    }
    group.waitAllCompleteOrOneFail(PATIENCE_MS);
    failing.add(table.asyncSet(hashKey, KEY, bytes("v"), 0));
    failing.add(table.asyncSet(hashKey, KEY, null, 0));
    assertThrows(PException.class, () -> failing.waitAllCompleteOrOneFail(PATIENCE_MS));
  }
}
