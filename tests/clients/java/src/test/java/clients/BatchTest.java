package clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.HashKeyData;
import org.apache.pegasus.client.PException;
import org.apache.pegasus.client.PegasusTableInterface;
import org.apache.pegasus.client.SetItem;
import org.apache.pegasus.client.request.Delete;
import org.apache.pegasus.client.request.DeleteBatch;
import org.apache.pegasus.client.request.Get;
import org.apache.pegasus.client.request.GetBatch;
import org.apache.pegasus.client.request.MultiDelete;
import org.apache.pegasus.client.request.MultiDeleteBatch;
import org.apache.pegasus.client.request.MultiGet;
import org.apache.pegasus.client.request.MultiGetBatch;
import org.apache.pegasus.client.request.MultiSet;
import org.apache.pegasus.client.request.MultiSetBatch;
import org.apache.pegasus.client.request.Set;
import org.apache.pegasus.client.request.SetBatch;
import org.junit.jupiter.api.Test;

/** Many calls at once, under different hash keys: the batch methods and the batch requests. */
@SuppressWarnings("deprecation")
class BatchTest extends ClientTest {
  private static final byte[] KEY = bytes("s");
  private static final int COUNT = 40;

  /** The number of the hash key is the value. */
  private byte[] hashKey(int number) {
    return join(hashKey, bytes("-" + number));
  }

  private List<Pair<byte[], byte[]>> keys(int count) {
    List<Pair<byte[], byte[]>> keys = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      keys.add(Pair.of(hashKey(i), KEY));
    }
    return keys;
  }

  private List<SetItem> items() {
    List<SetItem> items = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      items.add(new SetItem(hashKey(i), KEY, bytes("" + i), i % 2 == 0 ? 0 : 1000));
    }
    return items;
  }

  private void assertValues(List<byte[]> values, int present) {
    for (int i = 0; i < values.size(); i++) {
      if (i < present) {
        assertEquals("" + i, text(values.get(i)));
      } else {
        assertNull(values.get(i));
      }
    }
  }

  private static <T> List<T> rightOf(List<Pair<PException, T>> results) {
    List<T> values = new ArrayList<>();
    for (Pair<PException, T> result : results) {
      assertNull(result.getLeft());
      values.add(result.getRight());
    }
    return values;
  }

  private static void assertAllNull(List<PException> errors) {
    assertEquals(COUNT, errors.size());
    errors.forEach(error -> assertNull(error));
  }

  @Test
  void batchSetGetDel() throws PException {
    client.batchSet(TABLE, items());
    assertEquals(-1, client.ttl(TABLE, hashKey(0), KEY));
    assertEquals(1000, client.ttl(TABLE, hashKey(1), KEY), 30);
    List<byte[]> values = new ArrayList<>();
    client.batchGet(TABLE, keys(COUNT + 1), values);
    assertValues(values, COUNT);
    table.batchGet(keys(COUNT + 1), values, PATIENCE_MS);
    assertValues(values, COUNT);
    client.batchDel(TABLE, keys(COUNT));
    client.batchGet(TABLE, keys(COUNT), values);
    assertValues(values, 0);
  }

  @Test
  void batchSet2Get2Del2() throws PException {
    List<PException> errors = new ArrayList<>();
    assertEquals(COUNT, client.batchSet2(TABLE, items(), errors));
    assertAllNull(errors);
    assertEquals(COUNT, table.batchSet2(items(), errors, PATIENCE_MS));
    List<Pair<PException, byte[]>> results = new ArrayList<>();
    assertEquals(COUNT + 1, client.batchGet2(TABLE, keys(COUNT + 1), results));
    assertValues(rightOf(results), COUNT);
    assertEquals(COUNT + 1, table.batchGet2(keys(COUNT + 1), results, PATIENCE_MS));
    assertEquals(COUNT, client.batchDel2(TABLE, keys(COUNT), errors));
    assertAllNull(errors);
    assertEquals(COUNT, table.batchDel2(keys(COUNT), errors, PATIENCE_MS));
    table.batchSet(items(), PATIENCE_MS);
    table.batchDel(keys(COUNT), PATIENCE_MS);
    client.batchGet2(TABLE, keys(COUNT), results);
    assertValues(rightOf(results), 0);
  }

  @Test
  void batchGetByPartitions() throws PException {
    client.batchSet(TABLE, items());
    List<Pair<PException, byte[]>> results = new ArrayList<>();
    assertEquals(COUNT + 1, client.batchGetByPartitions(TABLE, keys(COUNT + 1), results));
    assertValues(rightOf(results), COUNT);
    assertEquals(COUNT + 1, table.batchGetByPartitions(keys(COUNT + 1), results, PATIENCE_MS));
    assertValues(rightOf(results), COUNT);
    assertThrows(
        PException.class, () -> client.batchGetByPartitions(TABLE, new ArrayList<>(), results));
  }

  private List<HashKeyData> hashKeyData() {
    List<HashKeyData> data = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      HashKeyData item = new HashKeyData(hashKey(i));
      for (byte[] sortKey : sortKeys(3)) {
        item.addData(sortKey, valueOf(sortKey));
      }
      data.add(item);
    }
    return data;
  }

  private List<Pair<byte[], List<byte[]>>> multiKeys() {
    List<Pair<byte[], List<byte[]>>> keys = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      keys.add(Pair.of(hashKey(i), sortKeys(2)));
    }
    return keys;
  }

  private void assertTwoEach(List<HashKeyData> found) {
    assertEquals(COUNT, found.size());
    for (HashKeyData data : found) {
      assertTrue(data.isAllFetched());
      assertEquals(expected(sortKeys(2)), map(data.values));
    }
  }

  @Test
  void batchMultiSetGetDel() throws PException {
    client.batchMultiSet(TABLE, hashKeyData(), 1000);
    assertEquals(1000, client.ttl(TABLE, hashKey(3), bytes("s0001")), 30);
    client.batchMultiSet(TABLE, hashKeyData());
    table.batchMultiSet(hashKeyData(), 0, PATIENCE_MS);
    List<HashKeyData> found = new ArrayList<>();
    client.batchMultiGet(TABLE, multiKeys(), found);
    assertTwoEach(found);
    table.batchMultiGet(multiKeys(), found, PATIENCE_MS);
    assertTwoEach(found);
    client.batchMultiDel(TABLE, multiKeys());
    table.batchMultiDel(multiKeys(), PATIENCE_MS);
    assertEquals(1, client.sortKeyCount(TABLE, hashKey(0)));
  }

  @Test
  void batchMultiSet2Get2Del2() throws PException {
    List<PException> errors = new ArrayList<>();
    assertEquals(COUNT, client.batchMultiSet2(TABLE, hashKeyData(), 1000, errors));
    assertAllNull(errors);
    assertEquals(COUNT, client.batchMultiSet2(TABLE, hashKeyData(), errors));
    assertEquals(COUNT, table.batchMultiSet2(hashKeyData(), 0, errors, PATIENCE_MS));
    List<Pair<PException, HashKeyData>> found = new ArrayList<>();
    assertEquals(COUNT, client.batchMultiGet2(TABLE, multiKeys(), found));
    assertTwoEach(rightOf(found));
    assertEquals(COUNT, table.batchMultiGet2(multiKeys(), found, PATIENCE_MS));
    assertTwoEach(rightOf(found));
    assertEquals(COUNT, client.batchMultiDel2(TABLE, multiKeys(), errors));
    assertAllNull(errors);
    assertEquals(COUNT, table.batchMultiDel2(multiKeys(), errors, PATIENCE_MS));
    assertEquals(1, client.sortKeyCount(TABLE, hashKey(0)));
  }

  @Test
  void oneBadItemDoesNotStopTheOthers() throws PException {
    List<SetItem> items = items();
    items.set(5, new SetItem(hashKey(5), KEY, null));
    List<PException> errors = new ArrayList<>();
    assertEquals(COUNT - 1, client.batchSet2(TABLE, items, errors));
    for (int i = 0; i < COUNT; i++) {
      if (i == 5) {
        assertNotNull(errors.get(i));
      } else {
        assertNull(errors.get(i));
      }
    }
    assertThrows(PException.class, () -> client.batchSet(TABLE, items));
  }

  @Test
  void requestsOfSingleRecords() throws PException {
    List<Set> sets = new ArrayList<>();
    List<Get> gets = new ArrayList<>();
    List<Delete> deletes = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      sets.add(new Set(hashKey(i), KEY, bytes("" + i)).withTTLSeconds(1000));
      gets.add(new Get(hashKey(i), KEY));
      deletes.add(new Delete(hashKey(i), KEY));
    }
    new SetBatch(table, PATIENCE_MS).commit(sets);
    assertEquals(1000, client.ttl(TABLE, hashKey(0), KEY), 30);
    List<byte[]> values = new ArrayList<>();
    new GetBatch(table, PATIENCE_MS).commit(gets, values);
    assertValues(values, COUNT);
    List<PException> errors = new ArrayList<>();
    new DeleteBatch(table, PATIENCE_MS).commitWaitAllComplete(deletes, errors);
    assertAllNull(errors);
    List<Pair<PException, byte[]>> results = new ArrayList<>();
    new GetBatch(table, PATIENCE_MS).commitWaitAllComplete(gets, results);
    assertValues(rightOf(results), 0);
  }

  @Test
  void requestsOfManyRecords() throws PException {
    List<MultiSet> sets = new ArrayList<>();
    List<MultiGet> gets = new ArrayList<>();
    List<MultiDelete> deletes = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      MultiSet set = new MultiSet(hashKey(i)).withTTLSeconds(1000);
      sortKeys(2).forEach(key -> set.add(key, valueOf(key)));
      sets.add(set);
      gets.add(new MultiGet(hashKey(i)));
      deletes.add(new MultiDelete(hashKey(i)).add(bytes("s0000")));
    }
    new MultiSetBatch(table, PATIENCE_MS).commit(sets);
    List<PegasusTableInterface.MultiGetResult> found = new ArrayList<>();
    new MultiGetBatch(table, PATIENCE_MS).commit(gets, found);
    assertEquals(COUNT, found.size());
    found.forEach(one -> assertEquals(expected(sortKeys(2)), map(one.getValues())));
    new MultiDeleteBatch(table, PATIENCE_MS).commit(deletes);
    assertEquals(1, client.sortKeyCount(TABLE, hashKey(COUNT - 1)));
  }
}
